package eventhubtest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/forwarder/audit"
)

// Sink is a sink in memory. It accepts every audit event, unless its fields say otherwise. Set them before a session
// delivers.
type Sink struct {
	// ConfirmTime is how long after accepting events the sink confirms them.
	ConfirmTime time.Duration
	// BatchSize is how many events the sink takes at a time. 0 means 1.
	BatchSize int
	// Outcomes, unless nil, returns the outcome of an event.
	Outcomes func(audit.Event) audit.Outcome
	// Gate, unless nil, lets one event pass for each value that it receives, and all events after it is closed.
	Gate chan struct{}
	// Entered receives a value for each event that reaches the gate.
	Entered chan struct{}
	// Stop is closed to end the waits at the gate, as the poster does when the daemon stops.
	Stop chan struct{}

	mu       sync.Mutex
	changed  *sync.Cond
	sessions []*session
	events   []audit.Event
	offered  []int
}

// NewSink returns a sink that confirms at once.
func NewSink() *Sink {
	sink := &Sink{Stop: make(chan struct{}), Entered: make(chan struct{}, 1000)}
	sink.changed = sync.NewCond(&sink.mu)
	return sink
}

// RefuseAll makes the sink refuse every audit event for good.
func (s *Sink) RefuseAll() {
	s.Outcomes = func(audit.Event) audit.Outcome {
		return audit.Outcome{Verdict: audit.DeadLettered, Reason: "400 Bad Request"}
	}
}

// OpenSession implements eventhub.Sink.
func (s *Sink) OpenSession() eventhub.Session {
	opened := &session{sink: s, lost: make(chan struct{})}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sessions = append(s.sessions, opened)
	return opened
}

// Lose loses everything that is not confirmed, in all sessions. Sessions that have nothing to lose go on.
func (s *Sink) Lose() {
	s.mu.Lock()
	sessions := slices.Clone(s.sessions)
	s.mu.Unlock()
	for _, opened := range sessions {
		opened.lose()
	}
}

// Await waits until this many events have arrived, and returns the audit ids of all events that have.
func (s *Sink) Await(count int) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.events) < count {
		s.changed.Wait()
	}
	return s.auditIDs()
}

// AuditIDs returns the audit ids of the events that have arrived.
func (s *Sink) AuditIDs() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.auditIDs()
}

func (s *Sink) auditIDs() []string {
	var ids []string
	for _, event := range s.events {
		ids = append(ids, event.AuditID)
	}
	return ids
}

// Events returns the events that have arrived.
func (s *Sink) Events() []audit.Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.events)
}

// Offered returns how many events each call of Deliver got.
func (s *Sink) Offered() []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.offered)
}

func (s *Sink) offer(events int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.offered = append(s.offered, events)
}

var errSinkStopped = errors.New("the sink was stopped")

// pass waits until an event may pass the gate.
func (s *Sink) pass(ctx context.Context) error {
	s.Entered <- struct{}{}
	if s.Gate == nil {
		return ctx.Err()
	}
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-s.Stop:
		return errSinkStopped
	case <-s.Gate:
		return nil
	}
}

// receive returns the outcome of an event after the gate.
func (s *Sink) receive(event audit.Event) audit.Outcome {
	s.mu.Lock()
	defer s.mu.Unlock()
	event.JSON = slices.Clone(event.JSON)
	s.events = append(s.events, event)
	s.changed.Broadcast()
	if s.Outcomes != nil {
		return s.Outcomes(event)
	}
	return audit.Outcome{Verdict: audit.Delivered}
}
