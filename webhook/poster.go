// Package webhook posts audit events to the sink and says what became of each: the retries,
// the rate limit and the verdicts of the daemon.
//
// It works in three layers, each in a file of its own. An attempt (attempt.go) is one POST and
// its answer; classify (classify.go) says what such an answer means; a delivery (delivery.go)
// is the loop that repeats attempts on one body until there is an outcome.
//
// Nothing is given up that a retry or an operator can mend. With the default policy a body
// that the sink does not take is held: it is tried again, for as long as it takes, and what
// stands behind it in its partition waits.
package webhook

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/sirupsen/logrus"
	"golang.org/x/time/rate"

	"aks-audit-log-go/forwarder"
)

// ErrStopping is returned by Deliver where the daemon has been asked to stop and the events
// that are left would need a wait or a retry. They have no outcome and come again after the
// next start.
var ErrStopping = errors.New("the daemon is stopping")

// Poster posts audit events to one sink. It is safe for concurrent use: each partition calls
// Deliver from its own goroutine.
type Poster struct {
	client  *http.Client
	target  string // with user, password and query: for requests, never for messages
	agent   string
	timeout time.Duration
	limiter *rate.Limiter // nil where there is no limit
	plan    schedule
	policy  forwarder.FailurePolicy
	stop    <-chan struct{}

	secrets  redactor
	refusals refusals
	journal  *journal
	stats    *forwarder.Statistics
	health   *forwarder.Health
}

// New returns a poster to cfg.SinkURL, with the retries, policy, time-out and rate limit of
// cfg. The client should be one of package httpclient: it must not follow redirects. Closing
// stop asks the poster to finish: see Deliver. The poster starts no goroutine and needs no
// closing.
func New(cfg forwarder.Config, client *http.Client, stats *forwarder.Statistics, health *forwarder.Health,
	log logrus.FieldLogger, stop <-chan struct{},
) *Poster {
	version, _, _ := forwarder.BuildInfo()
	p := &Poster{
		client:  client,
		target:  cfg.SinkURL.String(),
		agent:   "aks-audit-log-go/" + version,
		timeout: cfg.PostTimeout,
		plan:    schedule{maxRetries: cfg.PostMaxRetries, step: cfg.PostRetryDelay},
		policy:  cfg.FailurePolicy,
		stop:    stop,
		secrets: newRedactor(cfg.SinkURL),
		journal: newJournal(log),
		stats:   stats,
		health:  health,
	}
	if cfg.RateLimit > 0 {
		p.limiter = rate.NewLimiter(rate.Limit(cfg.RateLimit), max(1, cfg.RateBurst))
	}
	return p
}

// Deliver posts the events one after the other and returns their outcomes, in order. It
// returns fewer outcomes than events only with an error, and the outcomes that it does return
// then hold for the first events:
//
//   - ctx ended: the POST in flight is abandoned. Whether the sink has taken it is not known.
//     The error wraps context.Cause(ctx) and, if there was one, the sink's last error.
//   - The daemon is stopping: the events are still posted for as long as each has its outcome
//     at the first try, and a POST in flight has its time until ctx ends; but nothing is
//     waited for and nothing is tried again. The error wraps ErrStopping and the sink's last error.
//
// A sink that fails makes Deliver wait, not fail: that is the backpressure.
func (p *Poster) Deliver(ctx context.Context, events []forwarder.AuditEvent) ([]forwarder.Outcome, error) {
	outcomes := make([]forwarder.Outcome, 0, len(events))
	for i := range events {
		outcome, err := p.deliver(ctx, single(events[i]))
		if err != nil {
			return outcomes, fmt.Errorf("deliver record %d of hub event %d of partition %s: %w",
				events[i].Record, events[i].Sequence, events[i].Partition, err)
		}
		outcomes = append(outcomes, outcome)
	}
	return outcomes, nil
}
