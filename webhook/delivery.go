package webhook

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/forwarder/audit"
)

// delivery is the way of one parcel to its outcome.
type delivery struct {
	*Session
	request request
	// attempts is how many POSTs there have been.
	attempts int
	// last is why the last POST was not accepted.
	last *failure
	// gaveUp: the retries are used up, or there was no point in any. It has been counted. The
	// halves of a batch that was given up on are given up on, too.
	exhausted bool
	// held: it has been given up, and is posted still.
	retryingForever bool
}

// step is what follows an attempt: an outcome for all events, another attempt after a wait, or
// the events in halves.
type step struct {
	outcome audit.Outcome
	again   bool
	wait    time.Duration
	split   bool
	// failed is whether these have been counted as failed.
	failed bool
}

// deliver posts the parcel until it has an outcome or has to be halved. The error is that of
// Deliver.
func (l *Session) deliver(ctx context.Context, pack request) (step, error) {
	d := &delivery{Session: l, request: pack, exhausted: pack.failed}
	d.open()
	defer d.close()
	for {
		next, err := d.try(ctx)
		if err != nil || !next.again {
			return next, err
		}
		if err := l.pause(ctx, next.wait); err != nil {
			return step{}, fmt.Errorf("%w: %w", d.last, err)
		}
		l.stats.EventsRetried(len(pack.events))
	}
}

// try makes one attempt and decides what follows.
func (d *delivery) try(ctx context.Context) (step, error) {
	d.attempts++
	d.log.posting(d)
	a := d.attempt(ctx, d.request.body)
	if a.failure != nil && ctx.Err() != nil {
		return step{}, d.abandoned(context.Cause(ctx))
	}
	d.log.answered(d, a)
	d.stats.Partition(d.request.events[0].Partition).SinkAnswered(a.status, a.reason(), a.took)
	d.size.answered(len(d.request.events), a.waited)
	if a.status == http.StatusRequestEntityTooLarge {
		d.size.tooLarge(d.request.size)
	}
	meaning := classify(a.status)
	if meaning == refused && len(d.request.events) > 1 {
		d.stats.BatchSplit()
		return step{split: true, failed: d.exhausted}, nil
	}
	if meaning == refused && !d.refusals.refused() {
		a.failure.reason += fmt.Sprintf(", as to %d others in a row, so the endpoint seems to be wrong", maxRefusals)
		meaning = misconfigured
	}
	switch meaning {
	case accepted:
		return step{outcome: d.accept(a)}, nil
	case refused:
		d.exhaust()
		return step{outcome: audit.Outcome{Verdict: audit.DeadLettered, Reason: a.failure.Error()}}, nil
	default:
		return d.fail(a, meaning), nil
	}
}

// abandoned is the error of a POST that was cut short because the context ended. That itself
// says nothing of the sink; what the sink did before does.
func (d *delivery) abandoned(cause error) error {
	if d.last != nil {
		return fmt.Errorf("%w: %w", d.last, cause)
	}
	return fmt.Errorf("post to %s abandoned: %w", d.secrets.sink, cause)
}

func (d *delivery) accept(a answer) audit.Outcome {
	d.tracker.Accept(len(d.request.events), a.waited)
	d.refusals.accepted()
	d.stats.EventsSucceeded(len(d.request.events))
	d.health.SinkAnswered(d.request.events[0].Partition)
	d.log.accepted(d)
	return audit.Outcome{Verdict: audit.Delivered}
}

// fail decides about a body that the sink did not take now but might later: a retry as long
// as there are any, then what the policy says.
func (d *delivery) fail(a answer, meaning class) step {
	news := d.last == nil || d.last.reason != a.failure.reason
	d.last = a.failure
	d.health.SinkFailing(d.request.events[0].Partition, a.failure.reason)
	if meaning == retry && !d.exhausted && d.attempts <= d.plan.maxRetries {
		next := step{again: true, wait: max(d.plan.before(d.attempts), a.retryAfter)}
		if news {
			d.log.failed(d, a, next.wait)
		}
		return next
	}
	d.exhaust()
	if d.policy == forwarder.FailureDrop {
		d.log.dropped(d, a, meaning)
		return step{outcome: audit.Outcome{Verdict: audit.Dropped, Reason: a.failure.Error()}}
	}
	next := step{again: true, wait: max(d.plan.hold(), a.retryAfter)}
	d.retryForever()
	d.log.holding(d, a, meaning, next.wait)
	return next
}

// giveUp counts the events as failed, once however long they are posted still.
func (d *delivery) exhaust() {
	if !d.exhausted {
		d.exhausted = true
		d.stats.EventsFailed(len(d.request.events))
	}
}

func (d *delivery) retryForever() {
	if !d.retryingForever {
		d.retryingForever = true
		d.log.held.Add(int64(len(d.request.events)))
	}
}

// open begins the delivery: the connection is needed from now on.
func (d *delivery) open() {
	d.idle.Stop()
	d.tracker.Begin()
}

// close ends the delivery, whatever became of it.
func (d *delivery) close() {
	d.tracker.End()
	d.idle.Reset(idleTimeout)
	if d.retryingForever {
		d.log.held.Add(-int64(len(d.request.events)))
	}
}
