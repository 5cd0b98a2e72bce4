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

func (s *Sink) Offers() []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]int(nil), s.offered...)
}

// memorySink keeps what it is given. A test may put a gate before it, have it settle late, and
// have it lose what is not settled.
type Sink struct {
	// settleTime is how long what it accepted takes to be settled.
	ConfirmTime time.Duration
	// atATime is how many events a call of Deliver takes, 1 where it is not set.
	AtATime int
	// latency, if it is set, is how long the next call of Deliver takes before it takes anything.
	latency  func() time.Duration
	sessions []*Session

	mu       sync.Mutex
	changed  *sync.Cond
	Got      []audit.Event
	offered  []int // how many events each call of Deliver was given
	Outcomes func(audit.Event) audit.Outcome
	// gate, if it is set, lets one event pass for each value in it.
	Gate chan struct{}
	// stop makes it give up like the poster when the daemon is stopped.
	Stop chan struct{}
	// entered gets a value whenever an event arrives at the gate.
	Entered chan struct{}
}

func NewSink() *Sink {
	sink := &Sink{Stop: make(chan struct{}), Entered: make(chan struct{}, 1000)}
	sink.changed = sync.NewCond(&sink.mu)
	return sink
}

var errSinkStopped = errors.New("the sink was stopped")

func (s *Sink) OpenSession() eventhub.Session {
	lane := &Session{Sink: s, LostSignal: make(chan struct{})}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sessions = append(s.sessions, lane)
	return lane
}

// lose loses what is not settled on all lanes.
func (s *Sink) Lose() {
	s.mu.Lock()
	lanes := slices.Clone(s.sessions)
	s.mu.Unlock()
	for _, lane := range lanes {
		lane.lose()
	}
}

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

func (s *Sink) take(event audit.Event) audit.Outcome {
	s.mu.Lock()
	defer s.mu.Unlock()
	event.JSON = slices.Clone(event.JSON)
	s.Got = append(s.Got, event)
	s.changed.Broadcast()
	if s.Outcomes != nil {
		return s.Outcomes(event)
	}
	return audit.Outcome{Verdict: audit.Delivered}
}

// await waits until so many events have arrived and returns their audit ids.
func (s *Sink) Await(count int) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.Got) < count {
		s.changed.Wait()
	}
	return s.auditIDs()
}

func (s *Sink) auditIDs() []string {
	var got []string
	for _, event := range s.Got {
		got = append(got, event.AuditID)
	}
	return got
}

func (s *Sink) All() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.auditIDs()
}
