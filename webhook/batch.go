package webhook

import (
	"context"

	"github.com/sirupsen/logrus"

	"aks-audit-log-go/forwarder/audit"
	"aks-audit-log-go/webhook/body"
)

// split is a part of a refused batch: the next so many events of the partition. They have been counted as sent and
// have passed the rate limit. failed is whether they have been counted as failed.
type split struct {
	events int
	failed bool
}

// deliverBatch delivers as many of the first events as may go at once, and returns their outcome. It splits a refused
// batch in halves, in order, down to the event that the sink refuses, or to a size that it takes. The remaining parts
// come first in the next call, so that no outcome waits for a later event.
func (s *Session) deliverBatch(ctx context.Context, events []audit.Event) (audit.Outcome, error) {
	for {
		batch, err := s.nextRequest(ctx, events)
		if err != nil {
			return audit.Outcome{}, err
		}
		result, err := newDelivery(s, batch).run(ctx)
		if err != nil {
			s.splits = append(s.splits, split{events: len(batch.events), failed: batch.failed})
			return audit.Outcome{}, err
		}
		switch result := result.(type) {
		case finished:
			outcome := result.outcome
			outcome.Events = len(batch.events)
			return outcome, nil
		case refusedBatch:
			middle := len(batch.events) / 2
			s.splits = append(s.splits,
				split{events: len(batch.events) - middle, failed: result.failed}, split{events: middle, failed: result.failed})
		}
	}
}

// nextRequest returns the next part of a refused batch, or else a new batch.
func (s *Session) nextRequest(ctx context.Context, events []audit.Event) (request, error) {
	list := s.poster.batchEvents > 1
	if n := len(s.splits); n > 0 {
		part := &s.splits[n-1]
		next := newRequest(events, min(part.events, len(events)), list)
		next.failed = part.failed
		if part.events -= len(next.events); part.events == 0 {
			s.splits = s.splits[:n-1]
		}
		return next, nil
	}
	admitted, err := s.poster.admit(ctx, s.poster.fitting(events))
	if err != nil {
		return request{}, err
	}
	s.poster.stats.EventsSent(admitted)
	return newRequest(events, admitted, list), nil
}

// fitting returns how many of the first events fit in a batch, at least one.
func (p *Poster) fitting(events []audit.Event) int {
	limit, bytes := p.link.pace.Limits()
	size := 0
	for n := range events {
		size += len(events[n].JSON)
		if n > 0 && (n == limit || size+body.Envelope(n+1) > bytes) {
			return n
		}
	}
	return len(events)
}

// request is one request body and its audit events. The body is posted and retried; the events are counted and logged.
type request struct {
	body   body.Body
	events []audit.Event
	// more is whether the session has more events after these.
	more bool
	// failed is whether the events have been counted as failed.
	failed bool
}

// newRequest makes a request of the first n events: an EventList, or the bare event if list is false.
func newRequest(events []audit.Event, n int, list bool) request {
	return request{body: body.New(events[:n], list), events: events[:n], more: n < len(events)}
}

// logFields returns the log fields that name the first event, and the number of events if there are more.
func (r request) logFields() logrus.Fields {
	fields := r.events[0].LogFields()
	if len(r.events) > 1 {
		fields["events"] = len(r.events)
	}
	return fields
}
