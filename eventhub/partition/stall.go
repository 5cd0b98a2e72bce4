package partition

import (
	"context"
	"errors"
	"sync"
)

// errStalled means that a link delivers nothing although the partition holds more events.
var errStalled = errors.New("the link delivers nothing although the hub has more events")

// stallDetector ends a link that stays open, reports no error, and delivers nothing. azure-event-hubs-go can hang so for
// good when a reconnect gets no answer, and a connection looks the same after a firewall has forgotten it.
type stallDetector struct {
	mu sync.Mutex
	// reopen ends the Receive under way.
	reopen context.CancelCauseFunc
	// received is the newest event that the client has brought. pending is whether that event still waits to be taken:
	// then the sink is slow, and the link is fine.
	received int64
	pending  bool
	// before is the value of received, and last the newest event of the hub, at the last check.
	before, last int64
}

// start begins to watch a Receive that starts after the event with that sequence number.
func (s *stallDetector) start(sequence int64, reopen context.CancelCauseFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reopen, s.received, s.pending = reopen, sequence, false
	// What the hub held before the link was opened says nothing about this link.
	s.before, s.last = sequence, sequence
}

// arrived notes that the client brings an event.
func (s *stallDetector) arrived(sequence int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.received, s.pending = sequence, true
}

// taken notes that the last event was passed on.
func (s *stallDetector) taken() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pending = false
}

// check compares the newest event of the hub with what has arrived. It ends the link if there was something to deliver at
// the last check and nothing has come since.
func (s *stallDetector) check(last int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reopen != nil && !s.pending && s.received == s.before && s.last > s.received {
		s.reopen(errStalled)
	}
	s.before, s.last = s.received, last
}
