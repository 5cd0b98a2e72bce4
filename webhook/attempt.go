package webhook

import (
	"context"
	"net/http"
	"net/http/httptrace"
	"time"

	"aks-audit-log-go/httpclient"
)

// answer is what came of one POST.
type answer struct {
	// status is that of the sink's answer, 0 where none came. It stands even if the answer
	// broke off behind it: the sink has spoken. Whether it has died in the middle of its words
	// is the ledger's business.
	status int
	// failure says why the POST was not accepted; nil where it was.
	failure *failure
	// retryAfter is how long the sink wants to be left alone, 0 where it does not say.
	retryAfter time.Duration
	// took is the time from the start of the POST to the end of its answer.
	took time.Duration
	// waited is the time from when there was a connection to when the sink began to answer, or
	// the POST was given up.
	waited time.Duration
}

// reason is why the POST was not accepted, fit for being shown; empty where it was.
func (a answer) reason() string {
	if a.failure == nil {
		return ""
	}
	return a.failure.reason
}

// attempt posts the body once, within the time-out of a POST.
func (l *Session) attempt(ctx context.Context, body body) answer {
	start := time.Now()
	a := l.post(ctx, body)
	a.took = time.Since(start)
	l.stats.PostFinished(statusClass(a.status), a.took)
	return a
}

func (l *Session) post(ctx context.Context, body body) answer {
	limited, cancel := context.WithTimeout(ctx, l.timeout)
	defer cancel()
	connected := time.Now()
	// net/http calls GotConn on this goroutine.
	traced := httptrace.WithClientTrace(limited, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { connected = time.Now() },
	})
	token := l.credentials.token()
	resp, err := l.send(traced, body, token) //nolint:bodyclose // Drain closes it
	waited := time.Since(connected)
	if err != nil {
		if limited.Err() != nil && ctx.Err() == nil {
			l.tracker.NoAnswer(waited)
			return answer{waited: waited, failure: l.secrets.and(token).timedOut(l.timeout, err)}
		}
		return answer{failure: l.secrets.and(token).noAnswer(err)}
	}
	l.tracker.Answer(resp.Close)
	// An answer that breaks off says no more than its status did, so the error is no news.
	head, _ := httpclient.Drain(resp.Body)
	a := answer{status: resp.StatusCode, waited: waited}
	if classify(a.status) == accepted {
		return a
	}
	a.failure = l.secrets.and(token).notAccepted(resp, head, body)
	a.retryAfter = retryAfter(resp.Header.Get("Retry-After"), time.Now())
	return a
}

// send makes a new request each time, since its body can be read only once. It sets no
// Idempotency-Key: with one, net/http would repeat a POST by itself (see package httpclient).
func (l *Session) send(ctx context.Context, body body, token string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, l.target, nil)
	if err != nil {
		return nil, err
	}
	body.attach(req)
	// Falco's webhook answers 400 without this content type.
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", l.agent)
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	return l.client.Do(req)
}
