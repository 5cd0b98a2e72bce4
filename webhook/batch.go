package webhook

import (
	"context"

	"aks-audit-log-go/forwarder"
)

// deliverFirst delivers as many of the first events as may go at once.
func (l *Lane) deliverFirst(ctx context.Context, events []forwarder.AuditEvent) ([]forwarder.Outcome, error) {
	admitted, err := l.admit(ctx, l.size.fitting(events))
	if err != nil {
		return nil, err
	}
	batch := pack(events[:admitted], l.batchEvents > 1)
	l.stats.EventsSent(batch.fresh())
	l.stats.EventsReplayed(batch.again)
	return l.deliverBatch(ctx, batch, make([]forwarder.Outcome, 0, admitted))
}

// deliverBatch appends an outcome for each event of the batch. A batch that the sink refuses as
// such is narrowed down by halves, in order, to the event that it does not take; or, where it
// was too large, to what it takes.
func (l *Lane) deliverBatch(ctx context.Context, batch parcel, outcomes []forwarder.Outcome) ([]forwarder.Outcome, error) {
	last, err := l.deliver(ctx, batch)
	if err != nil {
		return outcomes, err
	}
	if !last.halves {
		for range batch.events {
			outcomes = append(outcomes, last.outcome)
		}
		return outcomes, nil
	}
	middle := len(batch.events) / 2
	for _, half := range [][]forwarder.AuditEvent{batch.events[:middle], batch.events[middle:]} {
		smaller := pack(half, true)
		smaller.failed = last.failed
		if outcomes, err = l.deliverBatch(ctx, smaller, outcomes); err != nil {
			return outcomes, err
		}
	}
	return outcomes, nil
}
