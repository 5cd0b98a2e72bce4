package webhook

import (
	"bytes"
	"context"
	"net/http"
	"time"

	"aks-audit-log-go/httpclient"
)

// answer is what came of one POST.
type answer struct {
	// status is that of the sink's answer, 0 where none came. It stands even if the answer
	// broke off behind it: the sink has spoken, and a POST that it took is not sent again
	// for the sake of a few words.
	status int
	// failure says why the POST was not accepted; nil where it was.
	failure *failure
	// retryAfter is how long the sink wants to be left alone, 0 where it does not say.
	retryAfter time.Duration
	// took is the time from the start of the POST to the end of its answer.
	took time.Duration
}

// attempt posts the body once, within the time-out of a POST.
func (p *Poster) attempt(ctx context.Context, body []byte) answer {
	start := time.Now()
	a := p.post(ctx, body)
	a.took = time.Since(start)
	p.stats.PostFinished(statusClass(a.status), a.took)
	return a
}

func (p *Poster) post(ctx context.Context, body []byte) answer {
	limited, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	resp, err := p.send(limited, body) //nolint:bodyclose // Drain closes it
	if err != nil {
		if limited.Err() != nil && ctx.Err() == nil {
			return answer{failure: p.secrets.timedOut(p.timeout, err)}
		}
		return answer{failure: p.secrets.noAnswer(err)}
	}
	// An answer that breaks off says no more than its status did, so the error is no news.
	head, _ := httpclient.Drain(resp.Body)
	a := answer{status: resp.StatusCode}
	if classify(a.status) == accepted {
		return a
	}
	a.failure = p.secrets.notAccepted(resp, head, body)
	a.retryAfter = retryAfter(resp.Header.Get("Retry-After"), time.Now())
	return a
}

// send makes a new request each time, since its body can be read only once. It sets no
// Idempotency-Key: with one, net/http would repeat a POST by itself (see package httpclient).
func (p *Poster) send(ctx context.Context, body []byte) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.target, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	// Falco's webhook answers 400 without this content type.
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", p.agent)
	return p.client.Do(req)
}
