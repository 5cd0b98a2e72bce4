package webhook

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"time"

	"aks-audit-log-go/httpclient"
	"aks-audit-log-go/webhook/advice"
	"aks-audit-log-go/webhook/body"
	"aks-audit-log-go/webhook/intermediary"
)

// slowCheck is the time after which an answer to the empty list is slow. Falco answers it within milliseconds if its
// queue has room.
const slowCheck = time.Second

// Check posts an empty list of audit events once, in the same way as audit events, and returns the result in a line.
// The error says what to do, and holds no secret. Check changes no counter.
func (p *Poster) Check(ctx context.Context) (string, error) {
	session := p.OpenSession()
	defer session.Close()
	// A GET or an empty body would prove less: the empty list needs the same method, path, type and authorization as
	// audit events. Falco accepts it and makes no alert of it.
	text := body.EmptyList()
	token := p.credentials.token()
	secrets := p.secrets.and(token)
	began := time.Now()
	connected := began
	// net/http calls GotConn on this goroutine.
	traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { connected = time.Now() },
	})
	resp, err := p.link.send(traced, text, token) //nolint:bodyclose // Drain closes it
	waited := time.Since(connected)
	switch took := time.Since(began).Round(time.Millisecond); {
	case err != nil && ctx.Err() != nil:
		return "", advised(secrets.timedOut(took.Round(time.Second), err), advice.NoAnswer(err))
	case err != nil:
		return "", advised(secrets.noAnswer(err), advice.NoAnswer(err))
	default:
		head, _ := httpclient.Drain(resp.Body)
		if mistakeAt(resp, head) != "" { // the failure says what to do
			return "", secrets.notAccepted(resp, head, text)
		}
		if do := adviseAnswer(resp.StatusCode); do != "" {
			return "", advised(secrets.notAccepted(resp, head, text), do)
		}
		result := fmt.Sprintf("%s answered %d to an empty list of audit events after %s", p.secrets.sink, resp.StatusCode, took)
		if waited > slowCheck {
			result += "; mind: " + advice.SlowAnswer
		}
		if name := intermediary.Shown(resp.Header, secrets.clean); name != "" {
			return "", fmt.Errorf("%s; but %s (%s)", result, advice.Intermediary(name, p.port), advice.NotFalco)
		}
		return result, nil
	}
}

func advised(f *failure, do string) error {
	return fmt.Errorf("%w: %s", f, do)
}

// adviseAnswer returns advice about the status of an answer, or "" if a working webhook answers so.
func adviseAnswer(status int) string {
	switch {
	case classify(status) == accepted:
		return ""
	case status/100 == 3:
		return "redirects are not followed: put the address where the webhook is into WEBSINKURL"
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return "it asks for credentials: give user and password in WEBSINKURL, or a token in WEBSINKTOKEN"
	case classify(status) == refused:
		return "it is there but does not take an empty list of audit events, which Falco does: is it Falco's k8saudit? " +
			"(A sink of another kind may still take events.)"
	case classify(status) == retryable:
		return "it is there but cannot take audit events now: look at the sink's log, and at the proxy or ingress before it"
	default:
		return "no webhook answers like that: look at host, port and path of WEBSINKURL"
	}
}
