package webhook

import (
	"context"
	"net/http"
	"net/http/httptrace"
	"time"

	"aks-audit-log-go/httpclient"
)

// answer is the result of one POST.
type answer struct {
	// status is the status of the sink's answer, 0 if none came. It counts even if the answer broke off after it: the
	// sink has decided. Whether the sink died while it answered is the tracker's concern.
	status int
	// class is what the answer means.
	class class
	// failure says why the POST was not accepted, nil if it was.
	failure *failure
	// retryAfter is how long the sink asks to wait before the next POST, 0 if it does not say.
	retryAfter time.Duration
	// took is the time from the start of the POST to the end of its answer.
	took time.Duration
	// waited is the time from when there was a connection to the first byte of the answer, or to the time-out.
	waited time.Duration
}

// reason returns why the POST was not accepted, without secrets; empty if it was.
func (a answer) reason() string {
	if a.failure == nil {
		return ""
	}
	return a.failure.reason
}

// attempt posts the body once, within the time-out of a POST.
func (s *Session) attempt(ctx context.Context, body body) answer {
	start := time.Now()
	a := s.post(ctx, body)
	a.took = time.Since(start)
	s.poster.stats.PostFinished(statusClass(a.status), a.took)
	return a
}

func (s *Session) post(ctx context.Context, body body) answer {
	p := s.poster
	limited, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	connected := time.Now()
	// net/http calls GotConn on this goroutine.
	traced := httptrace.WithClientTrace(limited, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { connected = time.Now() },
	})
	token := p.credentials.token()
	resp, err := s.send(traced, body, token) //nolint:bodyclose // Drain closes it
	waited := time.Since(connected)
	if err != nil {
		if limited.Err() != nil && ctx.Err() == nil {
			s.tracker.NoAnswer(waited)
			return answer{class: retryable, waited: waited, failure: p.secrets.and(token).timedOut(p.timeout, err)}
		}
		return answer{class: retryable, failure: p.secrets.and(token).noAnswer(err)}
	}
	p.noteAnswer(resp.Header)
	s.tracker.Answer(resp.Close)
	// The error is ignored: an answer that breaks off says no more than its status and type did.
	head, _ := httpclient.Drain(resp.Body)
	a := answer{status: resp.StatusCode, class: classifyAnswer(resp, head), waited: waited}
	if a.class == accepted {
		return a
	}
	a.failure = p.secrets.and(token).notAccepted(resp, head, body)
	a.retryAfter = retryAfter(resp.Header.Get("Retry-After"), time.Now())
	return a
}

// send makes a new HTTP request each time, since its body can be read only once. It sets no Idempotency-Key: with that
// header net/http would repeat a POST by itself (see package httpclient).
func (s *Session) send(ctx context.Context, body body, token string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.poster.target, nil)
	if err != nil {
		return nil, err
	}
	body.attach(req)
	// Falco's webhook answers 400 without this content type.
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", s.poster.agent)
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	return s.client.Do(req)
}
