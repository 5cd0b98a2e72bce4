package eventhub

import (
	"sync"
	"sync/atomic"

	"aks-audit-log-go/forwarder"
)

// MAXBYTESINFLIGHT bounds what hub events take of the memory between their arrival and their
// verdicts, over all partitions: a quarter is for what is unpacked and waits for the sink, the rest
// for what the hub's client asks for ahead. That is worth more: with too little of it a partition
// waits for the hub, and its batches are small.

const (
	// largestEvent is what the service takes at the most, and so what an event that is asked for
	// may turn out to be.
	largestEvent = 1 << 20
	// minCredits keeps one event on its way while another is in hand, maxCredits is more than a
	// partition gets rid of while the next are on their way.
	minCredits, maxCredits = 2, 256
	// assumedPartitions is how many partitions there are while the hub has not said it.
	assumedPartitions = 32
	// recordOverhead is about what is kept of a record, and of a hub event, beside its text.
	recordOverhead = 300
)

// credits knows how many events a partition's link asks for ahead.
type credits struct {
	// fixed is EVENTHUBPREFETCH, 0 where that is not set, and bytes MAXBYTESINFLIGHT.
	fixed, bytes int
	// partitions is how many the event hub has: any of them may be ours.
	partitions atomic.Int64
}

func newCredits(cfg forwarder.Config) *credits {
	c := &credits{fixed: cfg.HubPrefetch, bytes: cfg.MaxBytesInFlight}
	c.learn(assumedPartitions)
	return c
}

// learn notes how many partitions the event hub has.
func (c *credits) learn(partitions int) { c.partitions.Store(int64(max(1, partitions))) }

// each is for one partition.
func (c *credits) each() int32 {
	if c.fixed > 0 {
		return int32(c.fixed) // #nosec G115 -- Load bounds it
	}
	fair := (c.bytes - unpackedShare(c.bytes)) / largestEvent / int(c.partitions.Load())
	return int32(min(max(fair, minCredits), maxCredits)) // #nosec G115 -- bounded
}

// unpackedShare is what is for unpacked events, of so many bytes in flight.
func unpackedShare(bytes int) int { return bytes / 4 }

// budget is what all partitions together may hold of unpacked events.
type budget struct {
	mu   sync.Mutex
	free int
	// freed is closed when there may be room again; nil while nobody waits for it.
	freed chan struct{}
}

func newBudget(cfg forwarder.Config) *budget {
	return &budget{free: unpackedShare(cfg.MaxBytesInFlight)}
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
func (s *share) take(bytes int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free -= bytes
	s.held += bytes
}

// giveBack notes that it has its verdicts.
func (s *share) giveBack(bytes int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free += bytes
	s.held -= bytes
	s.wake()
}

// close ends a stretch: nothing is held any more.
func (s *share) close() {
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
