package webhook

import (
	"context"

	"github.com/sirupsen/logrus"

	"aks-audit-log-go/forwarder/audit"
	"aks-audit-log-go/webhook/body"
)

// split is a part of a batch that the sink refused: the next events of the partition, as many as events says. They
// have been counted as sent and have passed the rate limit. failed is whether they have been counted as failed.
type split struct {
	events int
	failed bool
}

// deliverBatch delivers as many of the first events as may go at once, and returns their outcome. If the sink refuses
// a batch, deliverBatch splits it in halves, in order, down to the event that the sink does not take, or, if the
// batch was too large, to a size that it takes. The remaining parts come first in the next call, so that no outcome
// waits for that of a later event.
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

// nextRequest returns the next request to deliver: the next part of a refused batch, or a new batch.
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

// request is one request body and the audit events in it. The body is what is tried, retried and answered. The events
// are what is counted and logged.
type request struct {
	body   body.Body
	events []audit.Event
	// more is whether the session has more events to post after these.
	more bool
	// failed is whether the events have been counted as failed.
	failed bool
}

// newRequest makes a request of the first n events: an EventList, or just the event if list is false.
func newRequest(events []audit.Event, n int, list bool) request {
	return request{body: body.New(events[:n], list), events: events[:n], more: n < len(events)}
}

// logFields returns the fields that tell which events a log line is about: the first event, and how many if there are
// more.
func (r request) logFields() logrus.Fields {
	fields := r.events[0].LogFields()
	if len(r.events) > 1 {
		fields["events"] = len(r.events)
	}
	return fields
}
