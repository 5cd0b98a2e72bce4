package webhook

import (
	"context"
	"fmt"
	"time"

	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/forwarder/audit"
	"aks-audit-log-go/webhook/body"
)

// delivery takes one request to its outcome.
type delivery struct {
	poster   *Poster
	session  *Session
	request  request
	attempts int
	// last is why the last POST was not accepted.
	last *failure
	// exhausted is whether the retries are used up or useless, and the events have been counted as failed. The halves
	// of an exhausted batch are exhausted, too.
	exhausted bool
	// retryingForever is whether the request is exhausted but still retried, under the policy "hold".
	retryingForever bool
	// again is whether a held event was posted once more because the endpoint had been repaired.
	again bool
}

// step is what follows an attempt: finished, refusedBatch or retryLater.
type step interface{ isStep() }

type (
	// finished ends the delivery with an outcome for all events.
	finished struct{ outcome audit.Outcome }
	// refusedBatch ends the delivery of several events without an outcome: the sink refused the batch or did not
	// answer, so it is split. failed is whether the events have been counted as failed.
	refusedBatch struct{ failed bool }
	// retryLater asks for another attempt after the wait, in halves if the sink did not answer the whole.
	retryLater struct {
		wait   time.Duration
		halves bool
	}
)

func (finished) isStep()     {}
func (refusedBatch) isStep() {}
func (retryLater) isStep()   {}

func newDelivery(s *Session, r request) *delivery {
	return &delivery{poster: s.poster, session: s, request: r, exhausted: r.failed}
}

// run posts the request until it is finished or refused as a batch. The errors are those of Session.Deliver.
func (d *delivery) run(ctx context.Context) (step, error) {
	defer d.close()
	for {
		next, err := d.try(ctx)
		if err != nil {
			return nil, err
		}
		later, again := next.(retryLater)
		if !again {
			return next, nil
		}
		if err := d.poster.pause(ctx, later.wait); err != nil {
			return nil, fmt.Errorf("%w: %w", d.last, err)
		}
		d.poster.stats.EventsRetried(len(d.request.events))
		if later.halves {
			d.poster.stats.BatchSplit()
			return refusedBatch{failed: d.exhausted}, nil
		}
	}
}

func (d *delivery) try(ctx context.Context) (step, error) {
	d.attempts++
	d.poster.log.posting(d)
	a := d.session.attempt(ctx, d.request)
	if a.failure != nil && ctx.Err() != nil {
		return nil, d.abandoned(context.Cause(ctx))
	}
	d.note(a)
	switch a.class {
	case accepted:
		return d.accept(), nil
	case refused:
		return d.refuse(ctx, a), nil
	default:
		return d.fail(a, a.class), nil
	}
}

// abandoned returns the error of a POST that was cut short because the context ended. The error includes the sink's
// last failure, because the end of the context says nothing about the sink.
func (d *delivery) abandoned(cause error) error {
	if d.last != nil {
		return fmt.Errorf("%w: %w", d.last, cause)
	}
	return fmt.Errorf("post to %s abandoned: %w", d.poster.secrets.sink, cause)
}

func (d *delivery) note(a answer) {
	d.poster.log.answered(d, a)
	d.poster.stats.Partition(d.partition()).SinkAnswered(a.status, a.reason(), a.took)
}

func (d *delivery) accept() step {
	d.poster.refusals.reset()
	d.poster.stats.EventsSucceeded(len(d.request.events))
	d.poster.health.SinkAnswered(d.partition())
	d.poster.log.accepted(d)
	return finished{audit.Outcome{Verdict: audit.Delivered}}
}

// refuse handles a request that the sink will never accept. A batch is split. A single event is a dead letter, unless
// so many requests in a row were refused that the endpoint seems to be wrong.
func (d *delivery) refuse(ctx context.Context, a answer) step {
	if len(d.request.events) > 1 {
		d.poster.stats.BatchSplit()
		return refusedBatch{failed: d.exhausted}
	}
	switch row := d.poster.refusals.add(); {
	case row > maxProvenRefusals:
		a.failure.reason += fmt.Sprintf(", as to %d others in a row, so the endpoint seems to be wrong", maxProvenRefusals)
		return d.fail(a, misconfigured)
	case row > maxRefusals && !d.takesEmptyList(ctx):
		a.failure.reason += fmt.Sprintf(", as to %d others in a row, and it does not take an empty EventList either, "+
			"so the endpoint seems to be wrong", maxRefusals)
		return d.fail(a, misconfigured)
	}
	if d.retryingForever && !d.again { // the endpoint may have been repaired since it refused the event
		d.again = true
		return retryLater{}
	}
	d.exhaust()
	return finished{audit.Outcome{Verdict: audit.DeadLettered, Reason: a.failure.Error()}}
}

// takesEmptyList posts an empty list, and reports whether the sink accepts it. If so, the endpoint is right and the
// events are bad.
func (d *delivery) takesEmptyList(ctx context.Context) bool {
	return d.session.attempt(ctx, request{body: body.EmptyList()}).class == accepted
}

// fail handles a request that the sink may take later: it is retried while there are retries, and then treated by the
// policy.
func (d *delivery) fail(a answer, class class) step {
	changed := d.last == nil || d.last.reason != a.failure.reason
	halves := a.unanswered && len(d.request.events) > 1
	d.last = a.failure
	d.poster.health.SinkFailing(d.partition(), a.failure.reason)
	if class == retryable && !d.exhausted && d.attempts <= d.poster.plan.Retries {
		wait := max(d.poster.plan.Delay(d.attempts), a.retryAfter)
		if changed {
			d.poster.log.failed(d, a, wait)
		}
		return retryLater{wait, halves}
	}
	d.exhaust()
	if d.poster.policy == forwarder.FailureDrop {
		d.poster.log.dropped(d, a, class)
		return finished{audit.Outcome{Verdict: audit.Dropped, Reason: a.failure.Error()}}
	}
	wait := max(d.poster.plan.ForeverDelay(), a.retryAfter)
	d.retryForever()
	d.poster.log.retryingForever(d, a, class, wait)
	return retryLater{wait, halves}
}

// exhaust counts the events as failed, once, even if they are retried afterwards.
func (d *delivery) exhaust() {
	if !d.exhausted {
		d.exhausted = true
		d.poster.stats.EventsFailed(len(d.request.events))
	}
}

func (d *delivery) retryForever() {
	if !d.retryingForever {
		d.retryingForever = true
		d.poster.log.held.Add(int64(len(d.request.events)))
	}
}

func (d *delivery) close() {
	if d.retryingForever {
		d.poster.log.held.Add(-int64(len(d.request.events)))
	}
}

func (d *delivery) partition() string { return d.request.events[0].Partition }
