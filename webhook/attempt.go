package webhook

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptrace"
	"time"

	"aks-audit-log-go/httpclient"
	"aks-audit-log-go/internal/retry"
	"aks-audit-log-go/webhook/body"
)

// answer is the result of one POST.
type answer struct {
	// status is the HTTP status, 0 if there was no answer. It counts even if the answer broke off after it, because
	// the sink has decided. The tracker notices if the sink died while it answered.
	status int
	class  class
	// failure says why the POST was not accepted, nil if it was.
	failure *failure
	// retryAfter is the wait that the sink asks for before the next POST, 0 if none.
	retryAfter time.Duration
	// took is the time from the start of the POST to the end of its answer.
	took time.Duration
	// waited is the time from the connection to the first byte of the answer.
	waited time.Duration
	// unanswered is whether a connection got no answer. between is whether a proxy answered.
	unanswered, between bool
}

// reason returns why the POST was not accepted, without secrets, or "" if it was.
func (a answer) reason() string {
	if a.failure == nil {
		return ""
	}
	return a.failure.reason
}

// sinkIsGone reports whether a proxy says that it has no sink. Falco's plugin itself never answers 5xx.
func (a answer) sinkIsGone() bool { return a.between && a.status >= 500 }

// attempt posts the request once, within the time-out of a POST, and records what the sink accepted. If ctx ends
// first, it returns an answer without a status.
func (s *Session) attempt(ctx context.Context, request request) answer {
	a, ok := s.poster.link.exchange(ctx, s, request.more, func(ctx context.Context) answer { return s.exchange(ctx, request) })
	if !ok {
		return answer{class: retryable, failure: s.poster.secrets.noAnswer(context.Cause(ctx))}
	}
	return a
}

// exchange posts the request while it is the session's turn.
func (s *Session) exchange(ctx context.Context, request request) answer {
	l := s.poster.link
	l.tracker.Begin(s.tracked)
	defer l.tracker.End()
	start := time.Now()
	a := l.post(ctx, request.body)
	a.took = time.Since(start)
	s.poster.stats.PostFinished(statusClass(a.status), a.took)
	switch {
	case a.class == accepted:
		left := l.tracker.Accepted(s.tracked, len(request.events), start)
		l.pace.Accepted(len(request.events), left, a.waited)
	case a.status == http.StatusRequestEntityTooLarge && len(request.events) > 0:
		l.pace.TooLarge(request.body.Size)
	case a.unanswered:
		l.pace.NoAnswer()
	case a.sinkIsGone():
		l.tracker.NoSink(a.failure)
	}
	return a
}

func (l *link) post(ctx context.Context, content body.Body) answer {
	p := l.poster
	limited, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	connected, reached := time.Now(), false
	// net/http calls GotConn on this goroutine.
	traced := httptrace.WithClientTrace(limited, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { connected, reached = time.Now(), true },
	})
	token := p.credentials.token()
	resp, err := l.send(traced, content, token) //nolint:bodyclose // Drain closes it
	if err != nil {
		a := answer{class: retryable, unanswered: reached, failure: p.secrets.and(token).noAnswer(err)}
		if limited.Err() != nil && ctx.Err() == nil {
			a.failure = p.secrets.and(token).timedOut(p.timeout, err)
		}
		return a
	}
	waited := time.Since(connected)
	between := p.noteAnswer(resp.Header)
	// A broken-off answer says no more than its status and type, so the error is ignored.
	head, err := httpclient.Drain(resp.Body)
	l.tracker.Answer(classify(resp.StatusCode) == accepted, resp.Close || errors.Is(err, httpclient.ErrTooLong))
	a := answer{status: resp.StatusCode, class: classifyAnswer(resp, head), waited: waited, between: between}
	if a.class == accepted {
		return a
	}
	a.failure = p.secrets.and(token).notAccepted(resp, head, content)
	a.retryAfter = retry.After(resp.Header.Get("Retry-After"), time.Now())
	return a
}

// send makes a new HTTP request each time, because a body can be read only once. It sets no Idempotency-Key, because
// net/http would then repeat a POST by itself (see package httpclient).
func (l *link) send(ctx context.Context, content body.Body, token string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, l.poster.target, nil)
	if err != nil {
		return nil, err
	}
	content.Attach(req)
	// Falco's webhook answers 400 without this content type.
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", l.poster.agent)
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	return l.client.Do(req)
}
