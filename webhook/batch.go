package webhook

import (
	"context"

	"aks-audit-log-go/forwarder"
)

// half is one half of a batch that the sink refused as such: how many of the next events are in it,
// and whether they have been counted as failed. They have been counted as sent, and the rate limit
// has let them through.
type half struct {
	events int
	failed bool
}

// deliverFirst delivers as many of the first events as may go at once, and returns their outcome. A
// batch that the sink refuses as such is narrowed down by halves, in order, to the event that it does
// not take; or, where it was too large, to what it takes. What was left of it comes first with the
// next call, so that no outcome waits for that of a later event.
func (l *Lane) deliverFirst(ctx context.Context, events []forwarder.AuditEvent) (forwarder.Outcome, error) {
	for {
		batch, err := l.next(ctx, events)
		if err != nil {
			return forwarder.Outcome{}, err
		}
		last, err := l.deliver(ctx, batch)
		if err != nil {
			l.halves = append(l.halves, half{events: len(batch.events), failed: batch.failed})
			return forwarder.Outcome{}, err
		}
		if !last.halves {
			last.outcome.Events = len(batch.events)
			return last.outcome, nil
		}
		middle := len(batch.events) / 2
		l.halves = append(l.halves,
			half{events: len(batch.events) - middle, failed: last.failed}, half{events: middle, failed: last.failed})
	}
}

// next is what has to be delivered next: what is left of a batch that was refused, or another.
func (l *Lane) next(ctx context.Context, events []forwarder.AuditEvent) (parcel, error) {
	list := l.batchEvents > 1
	if n := len(l.halves); n > 0 {
		left := &l.halves[n-1]
		batch := pack(events[:min(left.events, len(events))], list)
		batch.failed = left.failed
		if left.events -= len(batch.events); left.events == 0 {
			l.halves = l.halves[:n-1]
		}
		return batch, nil
	}
	admitted, err := l.admit(ctx, l.size.fitting(events))
	if err != nil {
		return parcel{}, err
	}
	batch := pack(events[:admitted], list)
	l.stats.EventsSent(batch.fresh())
	l.stats.EventsReplayed(batch.again)
	return batch, nil
}
