package checkpoint

import (
	"sync"

	"aks-audit-log-go/eventhub"
)

// settling holds the positions that a partition has reached back until everything that the sink
// has accepted up to there is settled: only then may a checkpoint be written.
type pending struct {
	mu      sync.Mutex
	session eventhub.Session
	// waiting are the positions reached on this lane and not settled, in order.
	waiting []pendingCheckpoint
}

// milestone is a position that may be checkpointed when the ticket is settled.
type pendingCheckpoint struct {
	accepted   int64
	checkpoint eventhub.Checkpoint
}

// begin starts on a new lane. What was waiting on the old one is forgotten: it comes again.
func (s *pending) Start(lane eventhub.Session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.session, s.waiting = lane, nil
}

// reach notes that the event and all before it have their verdict.
func (s *pending) Add(event eventhub.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := pendingCheckpoint{accepted: s.session.Accepted(), checkpoint: eventhub.Checkpoint{Sequence: event.Sequence, Offset: event.Offset}}
	// Of events in which there was nothing to deliver only the last counts.
	if last := len(s.waiting) - 1; last >= 0 && s.waiting[last].accepted == next.accepted {
		s.waiting[last] = next
		return
	}
	s.waiting = append(s.waiting, next)
}

// settle hands the furthest position that has been settled since the last call to advance, if
// there is one. Of two calls at the same time the later one hands on the further position.
func (s *pending) TakeConfirmed(advance func(eventhub.Checkpoint)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.waiting) == 0 {
		return
	}
	ticket, passed := s.session.Confirmed(), 0
	for passed < len(s.waiting) && s.waiting[passed].accepted <= ticket {
		passed++
	}
	if passed > 0 {
		advance(s.waiting[passed-1].checkpoint)
		s.waiting = s.waiting[passed:]
	}
}
