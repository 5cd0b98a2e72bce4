package webhook

import (
	"context"

	"github.com/sirupsen/logrus"

	"aks-audit-log-go/forwarder/audit"
)

// half is one half of a batch that the sink refused as such: how many of the next events are in it,
// and whether they have been counted as failed. They have been counted as sent, and the rate limit
// has let them through.
type split struct {
	events int
	failed bool
}

// deliverFirst delivers as many of the first events as may go at once, and returns their outcome. A
// batch that the sink refuses as such is narrowed down by halves, in order, to the event that it does
// not take; or, where it was too large, to what it takes. What was left of it comes first with the
// next call, so that no outcome waits for that of a later event.
func (l *Session) deliverFirst(ctx context.Context, events []audit.Event) (audit.Outcome, error) {
	for {
		batch, err := l.next(ctx, events)
		if err != nil {
			return audit.Outcome{}, err
		}
		last, err := l.deliver(ctx, batch)
		if err != nil {
			l.splits = append(l.splits, split{events: len(batch.events), failed: batch.failed})
			return audit.Outcome{}, err
		}
		if !last.split {
			last.outcome.Events = len(batch.events)
			return last.outcome, nil
		}
		middle := len(batch.events) / 2
		l.splits = append(l.splits,
			split{events: len(batch.events) - middle, failed: last.failed}, split{events: middle, failed: last.failed})
	}
}

// next is what has to be delivered next: what is left of a batch that was refused, or another.
func (l *Session) next(ctx context.Context, events []audit.Event) (request, error) {
	list := l.batchEvents > 1
	if n := len(l.splits); n > 0 {
		left := &l.splits[n-1]
		batch := newRequest(events[:min(left.events, len(events))], list)
		batch.failed = left.failed
		if left.events -= len(batch.events); left.events == 0 {
			l.splits = l.splits[:n-1]
		}
		return batch, nil
	}
	admitted, err := l.admit(ctx, l.size.fitting(events))
	if err != nil {
		return request{}, err
	}
	batch := newRequest(events[:admitted], list)
	l.stats.EventsSent(len(batch.events))
	return batch, nil
}

// parcel is one request body and the audit events in it. What is tried, repeated and answered
// is the body; what is counted and logged are the events.
type request struct {
	body
	events []audit.Event
	// failed is whether they have been counted as failed.
	failed bool
}

// pack makes the parcel of the events: a list, or just the event where batches are not wanted.
func newRequest(events []audit.Event, list bool) request {
	return request{body: newBody(events, list), events: events}
}

// logFields says which events a log line is about: the first, and how many where there are more.
func (p request) logFields() logrus.Fields {
	fields := p.events[0].LogFields()
	if len(p.events) > 1 {
		fields["events"] = len(p.events)
	}
	return fields
}
