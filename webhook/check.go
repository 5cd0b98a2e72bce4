package webhook

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"aks-audit-log-go/httpclient"
)

// emptyList is what the command check posts. Falco accepts it and finds nothing to alert about. A GET or an empty body
// would prove less: the empty list needs the same method, path, type and authorisation as audit events.
const emptyList = listHead + listTail

// Check posts an empty list of audit events once, in the same way as audit events are posted. It returns the result
// in a line. The error says what to do, and holds no secret. Check counts nothing.
func (p *Poster) Check(ctx context.Context) (string, error) {
	session := p.OpenSession()
	defer session.Close()
	text := body{items: [][]byte{[]byte(emptyList)}, size: len(emptyList)}
	token := p.credentials.token()
	secrets := p.secrets.and(token)
	began := time.Now()
	resp, err := p.link.send(ctx, text, token) //nolint:bodyclose // Drain closes it
	switch took := time.Since(began).Round(time.Millisecond); {
	case err != nil && ctx.Err() != nil:
		return "", advised(secrets.timedOut(took, err), adviseNoAnswer(err))
	case err != nil:
		return "", advised(secrets.noAnswer(err), adviseNoAnswer(err))
	default:
		head, _ := httpclient.Drain(resp.Body)
		if isPage(resp, head) { // the failure says what to do
			return "", secrets.notAccepted(resp, head, text)
		}
		advice := adviseAnswer(resp.StatusCode, string(head))
		if advice != "" {
			return "", advised(secrets.notAccepted(resp, head, text), advice)
		}
		return fmt.Sprintf("%s answered %d to an empty list of audit events after %s", p.secrets.sink, resp.StatusCode, took), nil
	}
}

// advised appends what to do to a failure.
func advised(f *failure, advice string) error {
	return fmt.Errorf("%w: %s", f, advice)
}

// adviseNoAnswer returns what to do if no answer came. It goes by the error's text, since net/http has no error
// values for most cases.
func adviseNoAnswer(err error) string {
	text := err.Error()
	has := func(part string) bool { return strings.Contains(text, part) }
	switch {
	case has("lookup "):
		return "there is no such host: Falco's Service is <service>.<namespace>, as in falco-k8saudit-webhook.falco"
	case has("HTTP response to HTTPS client"), has("first record does not look like a TLS handshake"):
		return "it speaks HTTP, not HTTPS: begin WEBSINKURL with http://"
	case has("x509"), has("certificate"):
		return "the two do not trust each other's certificates: give the authority of the sink's in WEBSINKCAFILE, and use a host name that the certificate has"
	case has("connection refused"):
		return "nothing listens there: look whether Falco runs with the k8saudit plugin (port 9765) and whether the Service has endpoints"
	case errors.Is(err, context.DeadlineExceeded), has("i/o timeout"):
		return "look whether a network policy or a wrong port is in the way (Falco's is 9765), or whether Falco is out of breath: it answers slowly then"
	default:
		return "look at the sink's log, and at what is between it and here"
	}
}

// adviseAnswer returns what to do about the status of an answer, "" if a webhook answers so that takes audit events.
func adviseAnswer(status int, head string) string {
	switch {
	case classify(status) == accepted:
		return ""
	case strings.Contains(head, "HTTP request to an HTTPS server"):
		return "it speaks HTTPS: begin WEBSINKURL with https://"
	case status/100 == 3:
		return "redirects are not followed: put the address where the webhook is into WEBSINKURL"
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return "give it what it asks for: user and password in WEBSINKURL, or a token"
	case status == http.StatusNotFound, status == http.StatusMethodNotAllowed:
		return "no webhook is at this path: it has to be that of open_params in Falco's configuration, by default /k8s-audit, without a slash at the end"
	case classify(status) == refused:
		return "it is there but does not take an empty list of audit events, which Falco does: is it Falco's k8saudit? " +
			"(A sink of another kind may still take events.)"
	case classify(status) == retryable:
		return "it is there but cannot take audit events now: look at the sink's log, and at the proxy or ingress before it"
	default:
		return "no webhook answers like that: look at host, port and path of WEBSINKURL"
	}
}
