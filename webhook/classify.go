package webhook

import (
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// class is what an answer of the sink, or its absence, means for the body that was posted.
type class int

const (
	// accepted: the sink has it.
	accepted class = iota
	// retry: the same POST may well be accepted later.
	retry
	// refused: this body will never be accepted; another may be.
	refused
	// misconfigured: the endpoint takes no body at all until a person has changed something.
	misconfigured
)

// classify says what the status of an answer means; 0 stands for a POST without an answer
// (refused, reset, timed out, …). There is no way for net/http to fail that says anything
// about the body, so all of them are worth a retry.
func classify(status int) class {
	switch {
	case status == 0:
		return retry
	case status >= 200 && status <= 299:
		return accepted
	case status == http.StatusRequestTimeout, status == http.StatusTooManyRequests:
		return retry
	case status >= 500 && status <= 599:
		return retry
	case status == http.StatusBadRequest, status == http.StatusRequestEntityTooLarge,
		status == http.StatusUnprocessableEntity:
		return refused
	default:
		// A redirect, no authorization, no such path or method, or nothing that a webhook
		// would ever say.
		return misconfigured
	}
}

// statusClass is the status as the label of a metric.
func statusClass(status int) string {
	if status < 200 || status > 599 {
		return "error"
	}
	return strconv.Itoa(status/100) + "xx"
}

// maxRetryAfter bounds how long a sink can send us away with Retry-After. A sink that is back
// should not wait longer than that for what was held.
const maxRetryAfter = 5 * time.Minute

// retryAfter reads a Retry-After header (RFC 9110, section 10.2.3): seconds, or a date. It
// returns 0 where there is none that can be used, and five minutes at most.
func retryAfter(header string, now time.Time) time.Duration {
	header = strings.TrimSpace(header)
	if header == "" {
		return 0
	}
	if seconds, err := strconv.ParseUint(header, 10, 31); err == nil {
		return min(time.Duration(seconds)*time.Second, maxRetryAfter)
	}
	if date, err := http.ParseTime(header); err == nil {
		return min(max(0, date.Sub(now)), maxRetryAfter)
	}
	return 0
}

// maxRefusals is how many bodies in a row, over all partitions, may be refused for good before
// the endpoint is taken to be wrong rather than the bodies. Bad audit events are rare (AKS cuts
// a couple a day) and good ones stand between them, so five in a row do not happen by chance;
// and an endpoint that is wrong costs no more than five dead letters, which can be sent again.
const maxRefusals = 5

// refusals counts the bodies refused since the sink last accepted one. All partitions share
// it: the question is what the endpoint does, not what one partition holds.
type refusals struct {
	inARow atomic.Int64
}

// accepted starts the row anew.
func (r *refusals) accepted() {
	// The load spares the common case a write that all partitions' processors would contend for.
	if r.inARow.Load() != 0 {
		r.inARow.Store(0)
	}
}

// refused counts one and reports whether it is the body that is bad; if not, it is the endpoint.
// Of partitions that are refused at the same time no more than maxRefusals are told so.
func (r *refusals) refused() (badBody bool) {
	return r.inARow.Add(1) <= maxRefusals
}
