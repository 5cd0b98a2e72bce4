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
)

// failure is why a POST was not accepted, in words that are fit for a log.
type failure struct {
	// reason is the same for failures that are alike: no port of ours, no word of the
	// answer's body in it. It goes to /readyz and tells news from a repetition.
	reason string
	// sink is where it was posted.
	sink string
	// said is what the sink gave as its reason, possibly nothing.
	said string
	// cause is the error of the transport, where there was no answer. Its text is never
	// shown, since it may hold the sink's whole URL.
	cause error
}

// Error says where the POST went and what became of it.
func (f *failure) Error() string {
	text := "post to " + f.sink + ": " + f.reason
	if f.said != "" {
		text += ": " + f.said
	}
	return text
}

// Unwrap gives the transport's error to errors.Is and errors.As.
func (f *failure) Unwrap() error { return f.cause }

// timedOut is the failure of a POST that had no answer within the time-out.
func (r redactor) timedOut(timeout time.Duration, err error) *failure {
	return &failure{sink: r.sink, reason: fmt.Sprintf("no answer within %s", timeout), cause: withoutURL(err)}
}

// noAnswer is the failure of a POST that had no answer.
func (r redactor) noAnswer(err error) *failure {
	err = withoutURL(err)
	reason := err.Error()
	// "read tcp 10.0.0.5:41234->10.0.0.9:9765: …": our port is another each time.
	var op *net.OpError
	if errors.As(err, &op) && op.Source != nil {
		reason = strings.ReplaceAll(reason, op.Source.String()+"->", "")
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		reason = "the connection was closed before the answer (" + reason + ")"
	}
	return &failure{sink: r.sink, reason: r.clean(reason), cause: err}
}

// notAccepted is the failure of a POST that was answered with something other than 2xx. body
// is what was posted: an answer that repeats it is not shown, because it holds secrets.
func (r redactor) notAccepted(resp *http.Response, head []byte, body body) *failure {
	// The status text is ours, not the server's: a server can write there what it likes.
	f := &failure{sink: r.sink, reason: fmt.Sprintf("the sink answered %d", resp.StatusCode)}
	if text := http.StatusText(resp.StatusCode); text != "" {
		f.reason += " " + text
	}
	if location, err := resp.Location(); err == nil {
		f.reason += ", to " + r.clean(withoutSecrets(location))
	}
	switch words := strings.TrimSpace(string(head)); {
	case words == "":
	case echoes(head, body.bytes()):
		f.said = "(its words are left out: they repeat the audit event)"
	default:
		f.said = r.clean(fmt.Sprintf("%q", words))
	}
	return f
}

// withoutURL takes the *url.Error off, whose text holds the whole URL.
func withoutURL(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}
