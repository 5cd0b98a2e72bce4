package partition

import (
	"sync"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/forwarder"
)

// MAXBYTESINFLIGHT bounds what hub events take of the memory between their arrival and their
// verdicts, over all partitions: a quarter is for what is unpacked and waits for the sink, the rest
// for what the hub's client asks for ahead. That is worth more: with too little of it a partition
// waits for the hub, and its batches are small.

const (

	// recordOverhead is about what is kept of a record, and of a hub event, beside its text.
	recordOverhead = 300
)

// budget is what all partitions together may hold of unpacked events.
type budget struct {
	mu   sync.Mutex
	free int
	// freed is closed when there may be room again; nil while nobody waits for it.
	freed chan struct{}
}

func newBudget(cfg forwarder.Config) *budget {
	return &budget{free: eventhub.UnpackedShare(cfg.MaxBytesInFlight)}
}

// share is what one partition holds of a budget. A partition that holds nothing may always take an
// event, so that none has to wait for the others. What the budget may be overdrawn by is an event
// for each partition, since how large one is is known only when it is there.
type share struct {
	*budget
	held int
}

// room reports whether another event may be taken; if not, later is closed when it is worth
// asking again.
func (s *share) room() (room bool, later <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held == 0 || s.free > 0 {
		return true, nil
	}
	if s.freed == nil {
		s.freed = make(chan struct{})
	}
	return false, s.freed
}

// take notes that an event is there.
func (s *share) reserve(bytes int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free -= bytes
	s.held += bytes
}

// giveBack notes that it has its verdicts.
func (s *share) release(bytes int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free += bytes
	s.held -= bytes
	s.wake()
}

// close ends a stretch: nothing is held any more.
func (s *share) releaseAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free += s.held
	s.held = 0
	s.wake()
}

func (s *share) wake() {
	if s.freed != nil {
		close(s.freed)
		s.freed = nil
	}
}
