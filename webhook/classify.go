package webhook

import (
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"

	"aks-audit-log-go/webhook/advice"
	"aks-audit-log-go/webhook/intermediary"
)

// class is what an answer of the sink, or its absence, means for the request.
type class int

const (
	// retryable: the sink may accept the same request later.
	retryable class = iota
	// accepted: the sink has accepted the request.
	accepted
	// refused: the sink will never accept this request, but may accept others.
	refused
	// misconfigured: the endpoint accepts no request at all until somebody changes the configuration.
	misconfigured
)

// classify returns what the status of an answer means. 0 stands for a POST without an answer (refused, reset, timed
// out, …). No error of net/http says anything about the body, so all of them are retryable.
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
		// A redirect, no authorization, no such path or method, or a status that no webhook would answer.
		return misconfigured
	}
}

// falcoPage is the body that Falco's own webhook answers with, as text/html, until Falco 0.31
// (https://github.com/falcosecurity/falco/blob/0.31.1/userspace/falco/webserver.cpp). The k8saudit plugin, which takes
// audit events since 0.32, answers without a body and without a type.
const falcoPage = "<html><body>Ok</body></html>"

// isPage reports whether an answer of 2xx is a web page, like the default page of an ingress, whose server has
// not read the request. head is the beginning of the answer's body.
func isPage(resp *http.Response, head []byte) bool {
	if classify(resp.StatusCode) != accepted {
		return false
	}
	// mime.ParseMediaType would give up on parameters that are not well formed.
	kind, _, _ := strings.Cut(resp.Header.Get("Content-Type"), ";")
	return strings.EqualFold(strings.TrimSpace(kind), "text/html") &&
		!strings.EqualFold(strings.TrimSpace(string(head)), falcoPage)
}

// classifyAnswer returns what an answer means: what its status means, but neither a web page nor TLS accepts anything.
func classifyAnswer(resp *http.Response, head []byte) class {
	if isPage(resp, head) || advice.NeedsHTTPS(resp.StatusCode, string(head)) {
		return misconfigured
	}
	return classify(resp.StatusCode)
}

// noteAnswer reports whether an answer did not come from Falco directly, and notes that once: in the log, the metrics
// and the status page.
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

// statusClass returns the status as the label of a metric.
func statusClass(status int) string {
	if status < 200 || status > 599 {
		return "error"
	}
	return strconv.Itoa(status/100) + "xx"
}

const (
	// maxRefusals is how many requests in a row, over all partitions, may be refused before the sink has to show that
	// it is the events that are bad, and not the endpoint. Bad audit events are rare, with good ones in between, so a
	// wrong endpoint costs no more than five dead letters, which can be sent again.
	maxRefusals = 5
	// maxProvenRefusals is the same for a sink that takes an empty list. Anyone who can cause bad audit events can
	// cause six of them in a row, which must not stop a partition; but a sink that takes no event at all has to be
	// held.
	maxProvenRefusals = 500
)

// refusals counts the requests that were refused since the sink last accepted audit events. All partitions share it,
// because it tells what the endpoint does, not what one partition sends.
type refusals struct {
	inARow atomic.Int64
}

// reset starts the count again.
func (r *refusals) reset() {
	// The load spares the usual case a write, for which the processors of all partitions would contend.
	if r.inARow.Load() != 0 {
		r.inARow.Store(0)
	}
}

// add counts a refused request, and returns how many were refused in a row.
func (r *refusals) add() int64 { return r.inARow.Add(1) }
