package webhook

import (
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"

	"aks-audit-log-go/webhook/advice"
	"aks-audit-log-go/webhook/intermediary"
)

// class is what an answer, or its absence, means for the request.
type class int

const (
	// retryable: the sink may accept the same request later.
	retryable class = iota
	// accepted: the sink has accepted the request.
	accepted
	// refused: the sink will never accept this request, but may accept others.
	refused
	// misconfigured: the endpoint accepts no request until somebody changes the configuration.
	misconfigured
)

// classify returns what a status means. 0 stands for a POST without an answer (refused, reset, timed out, …). No error
// of net/http says anything about the body, so all of them are retryable.
func classify(status int) class {
	switch {
	case status == 0:
		return retryable
	case status >= 200 && status <= 299:
		return accepted
	case status == http.StatusRequestTimeout, status == http.StatusTooManyRequests:
		return retryable
	case status >= 500 && status <= 599:
		return retryable
	case status == http.StatusBadRequest, status == http.StatusRequestEntityTooLarge,
		status == http.StatusUnprocessableEntity:
		return refused
	default:
		// This is a redirect, no authorization, no such path or method, or a status that no webhook answers.
		return misconfigured
	}
}

// falcoPage is the body, sent as text/html, of Falco's own webhook until Falco 0.31
// (https://github.com/falcosecurity/falco/blob/0.31.1/userspace/falco/webserver.cpp). The k8saudit plugin, which takes
// audit events since 0.32, answers without a body and without a type.
const falcoPage = "<html><body>Ok</body></html>"

// isPage reports whether a 2xx is a web page, such as an ingress's default page: that server has not read the request.
// head is the beginning of the body.
func isPage(resp *http.Response, head []byte) bool {
	if classify(resp.StatusCode) != accepted {
		return false
	}
	// mime.ParseMediaType would reject malformed parameters.
	kind, _, _ := strings.Cut(resp.Header.Get("Content-Type"), ";")
	return strings.EqualFold(strings.TrimSpace(kind), "text/html") &&
		!strings.EqualFold(strings.TrimSpace(string(head)), falcoPage)
}

// classifyAnswer classifies an answer by its status. A web page or a TLS answer never counts as accepted.
func classifyAnswer(resp *http.Response, head []byte) class {
	if isPage(resp, head) || advice.NeedsHTTPS(resp.StatusCode, string(head)) {
		return misconfigured
	}
	return classify(resp.StatusCode)
}

// noteAnswer reports whether an answer did not come directly from Falco. The first time, it notes that in the log, the
// metrics and the status page.
func (p *Poster) noteAnswer(header http.Header) (between bool) {
	if intermediary.Name(header) == "" {
		return false
	}
	p.noted.Do(func() {
		name := intermediary.Shown(header, p.secrets.and(p.credentials.token()).clean)
		p.stats.SinkIntermediary(name)
		p.health.AnsweredBy(advice.Intermediary(name, p.port))
		p.log.log.WithField("intermediary", name).Warn(advice.Intermediary(name, p.port))
	})
	return true
}

func statusClass(status int) string {
	if status < 200 || status > 599 {
		return "error"
	}
	return strconv.Itoa(status/100) + "xx"
}

const (
	// maxRefusals is how many requests in a row, over all partitions, may be refused. After that, the sink must show
	// that the events are bad, and not the endpoint. Bad audit events are rare and lie between good ones. So a wrong
	// endpoint costs at most five dead letters, which can be sent again.
	maxRefusals = 5
	// maxProvenRefusals is the same for a sink that takes an empty list. Anyone who can cause bad audit events can
	// cause six in a row, which must not stop a partition. But events are held if the sink takes none at all.
	maxProvenRefusals = 500
)

// refusals counts the requests refused since the sink last accepted audit events. All partitions share it, because it
// describes the endpoint, not the events of one partition.
type refusals struct {
	inARow atomic.Int64
}

func (r *refusals) reset() {
	// The load usually avoids a write, for which the processors of all partitions would contend.
	if r.inARow.Load() != 0 {
		r.inARow.Store(0)
	}
}

// add counts a refused request, and returns the number of refused requests in a row.
func (r *refusals) add() int64 { return r.inARow.Add(1) }
