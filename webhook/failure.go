package webhook

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"aks-audit-log-go/webhook/advice"
	"aks-audit-log-go/webhook/body"
)

// failure says why a POST was not accepted, without secrets.
type failure struct {
	// reason is the same for similar failures: it holds neither the local port nor the answer's body. /readyz shows
	// it, and the log counts failures by it.
	reason string
	// sink is the URL of the POST, without secrets.
	sink string
	// sinkText is what the sink itself says about the failure, if anything.
	sinkText string
	// cause is the transport's error, if there was no answer. Its text is never shown, because it may hold the sink's
	// whole URL.
	cause error
}

func (f *failure) Error() string {
	text := "post to " + f.sink + ": " + f.reason
	if f.sinkText != "" {
		text += ": " + f.sinkText
	}
	return text
}

func (f *failure) Unwrap() error { return f.cause }

func (r redactor) timedOut(timeout time.Duration, err error) *failure {
	return &failure{sink: r.sink, reason: fmt.Sprintf("no answer within %s", timeout), cause: withoutURL(err)}
}

func (r redactor) noAnswer(err error) *failure {
	err = withoutURL(err)
	reason := err.Error()
	// In "read tcp 10.0.0.5:41234->10.0.0.9:9765: …" the local port differs each time.
	var op *net.OpError
	if errors.As(err, &op) && op.Source != nil {
		reason = strings.ReplaceAll(reason, op.Source.String()+"->", "")
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		reason = "the connection was closed before the answer (" + reason + ")"
	}
	return &failure{sink: r.sink, reason: r.clean(reason), cause: err}
}

// mistakeAt returns advice if an answer shows a mistake in WEBSINKURL, or else "".
func mistakeAt(resp *http.Response, head []byte) string {
	if isPage(resp, head) {
		return advice.WebPage
	}
	return advice.Endpoint(resp.StatusCode, string(head))
}

// notAccepted returns the failure of a POST that was answered with a web page or without a 2xx. content is what was
// posted: an answer that repeats part of it is not shown, because audit events hold secrets.
func (r redactor) notAccepted(resp *http.Response, head []byte, content body.Body) *failure {
	// The status text is that of net/http, because a server can send any text there.
	f := &failure{sink: r.sink, reason: fmt.Sprintf("the sink answered %d", resp.StatusCode)}
	if text := http.StatusText(resp.StatusCode); text != "" {
		f.reason += " " + text
	}
	if location, err := resp.Location(); err == nil {
		f.reason += ", to " + r.clean(withoutSecrets(location))
	}
	if do := mistakeAt(resp, head); do != "" {
		f.reason += ": " + do
	}
	switch text := strings.TrimSpace(string(head)); {
	case text == "":
	case echoes(head, content.Bytes()):
		f.sinkText = "(its answer is left out: it repeats the audit event)"
	default:
		f.sinkText = r.clean(fmt.Sprintf("%q", text))
	}
	return f
}

// withoutURL unwraps a *url.Error, whose text holds the whole URL.
func withoutURL(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}
