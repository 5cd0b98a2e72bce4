package partition

import (
	"context"
	"errors"
	"sync"

	"aks-audit-log-go/eventhub"
)

// errStalled means that a link delivers nothing although the partition holds more events.
var errStalled = errors.New("the link delivers nothing although the hub has more events: opening it again")

// stallDetector ends a link that stays open, reports no error, and delivers nothing. azure-event-hubs-go can hang so
// for good when a reconnect gets no answer. A connection that a firewall has forgotten looks the same.
type stallDetector struct {
	mu sync.Mutex
	// reopen ends the current Receive.
	reopen context.CancelCauseFunc
	// received is the position after the newest event that the client has brought. pending is whether that event still
	// waits to be taken: then the sink is slow, and the link is fine.
	received eventhub.Position
	pending  bool
	// before is the value of received at the last check. missing is whether the hub held more than that.
	before  eventhub.Position
	missing bool
}

// start begins to watch a Receive that starts at that position.
func (s *stallDetector) start(position eventhub.Position, reopen context.CancelCauseFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reopen, s.received, s.pending = reopen, position, false
	// What the hub held before the link was opened says nothing about this link.
	s.before, s.missing = position, false
}

// arrived notes that the client brings the event before that position.
func (s *stallDetector) arrived(position eventhub.Position) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.received, s.pending = position, true
}

// taken notes that the last event was passed on.
func (s *stallDetector) taken() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pending = false
}

// check compares the newest event of the hub with what has arrived. It ends the link if there was something to deliver
// at the last check and nothing has come since.
func (s *stallDetector) check(newest eventhub.Position) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reopen != nil && !s.pending && s.received == s.before && s.missing {
		s.reopen(errStalled)
	}
	s.before, s.missing = s.received, !s.received.Passed(newest)
}
