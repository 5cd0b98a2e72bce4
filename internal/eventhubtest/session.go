package eventhubtest

import (
	"context"
	"errors"
	"sync"
	"time"

	"aks-audit-log-go/forwarder/audit"
)

var errSinkLost = errors.New("connection refused")

// session is a session with a Sink.
type session struct {
	sink *Sink
	lost chan struct{}

	// next is the outcome of the first event of the next call of Deliver, if it is already known.
	next *audit.Outcome

	mu         sync.Mutex
	acceptedAt []time.Time // when each event was accepted
	confirmed  int64
	closed     bool
}

// Deliver implements eventhub.Session.
func (s *session) Deliver(ctx context.Context, events []audit.Event) (audit.Outcome, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case <-s.lost:
			cancel(errSinkLost)
		case <-ctx.Done():
		}
	}()
	s.sink.offer(len(events))
	events = events[:min(len(events), max(1, s.sink.BatchSize))]
	var delivered audit.Outcome
	for _, event := range events {
		outcome, err := s.outcomeOf(ctx, event)
		switch {
		case err != nil:
			return delivered, err
		case outcome.Verdict == audit.Delivered:
			s.accept()
			delivered.Verdict = audit.Delivered
			delivered.Events++
		case delivered.Events > 0:
			s.next = &outcome
			return delivered, nil
		case outcome.Verdict == audit.Dropped:
			outcome.Events = len(events) // the whole request is dropped
			return outcome, nil
		default:
			outcome.Events = 1
			return outcome, nil
		}
	}
	return delivered, nil
}

// outcomeOf sends an event to the sink, unless the previous call has already sent it.
func (s *session) outcomeOf(ctx context.Context, event audit.Event) (audit.Outcome, error) {
	if known := s.next; known != nil {
		s.next = nil
		return *known, nil
	}
	if err := s.sink.pass(ctx); err != nil {
		return audit.Outcome{}, err
	}
	return s.sink.receive(event), nil
}

func (s *session) accept() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.acceptedAt = append(s.acceptedAt, time.Now())
}

// Accepted implements eventhub.Session.
func (s *session) Accepted() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return int64(len(s.acceptedAt))
}

// Confirmed implements eventhub.Session.
func (s *session) Confirmed() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.Err() != nil {
		return s.confirmed
	}
	for s.confirmed < int64(len(s.acceptedAt)) && time.Since(s.acceptedAt[s.confirmed]) >= s.sink.ConfirmTime {
		s.confirmed++
	}
	return s.confirmed
}

// Confirm implements eventhub.Session.
func (s *session) Confirm(ctx context.Context) error {
	for s.Confirmed() < s.Accepted() {
		select {
		case <-time.After(s.sink.ConfirmTime):
		case <-s.lost:
			return s.Err()
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// lose loses everything that is not confirmed, if there is anything.
func (s *session) lose() {
	if s.Confirmed() == s.Accepted() || s.Err() != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		close(s.lost)
	}
}

// Lost implements eventhub.Session.
func (s *session) Lost() <-chan struct{} { return s.lost }

// Err implements eventhub.Session.
func (s *session) Err() error {
	select {
	case <-s.lost:
		return errSinkLost
	default:
		return nil
	}
}

// Close implements eventhub.Session.
func (s *session) Close() {
	s.Confirmed()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
}
