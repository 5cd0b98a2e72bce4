package partition

import (
	"sync"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/eventhub/deadletters"
	"aks-audit-log-go/forwarder"
)

// recordOverhead is about how many bytes a record, or a hub event, takes beside its text.
const recordOverhead = 300

// budget bounds the bytes of unpacked hub events over all partitions. MAXBYTESINFLIGHT covers hub events from their
// arrival to their verdicts: a quarter is for unpacked events that wait for the sink, the rest for what the hub's
// client prefetches. Prefetching is worth more: with too little of it, a partition waits for the hub, and its batches
// are small.
type budget struct {
	mu   sync.Mutex
	free int
	// freed is closed when there may be room again, nil if nothing waits for it.
	freed chan struct{}
}

func newBudget(cfg forwarder.Config) *budget {
	return &budget{free: eventhub.UnpackedShare(cfg.MaxBytesInFlight)}
}

// lettersShare returns how many bytes of dead letters may wait to be stored, and as many again of partitions that have
// none waiting. Together that is half of the budget, so that the other half can be delivered while the storage is
// down.
func lettersShare(cfg forwarder.Config) int {
	return eventhub.UnpackedShare(cfg.MaxBytesInFlight) / 4
}

// memory counts the dead letters of all partitions that wait to be stored. They are not part of a partition's share,
// so that a partition with nothing else can still take a hub event.
func (b *budget) memory() deadletters.Memory {
	letters := &share{budget: b}
	return deadletters.Memory{Reserve: letters.reserve, Release: letters.release}
}

// share is what one partition holds of the budget. A partition that holds nothing may always take a hub event, so that
// no partition waits for the others. Each partition can overdraw the budget by one hub event, because its size is
// known only when it has arrived.
type share struct {
	*budget
	held int
	// large is called when the partition holds nothing any more, nil unless it holds an unusually large hub event.
	large func()
}

// keep sets what to call once the partition holds nothing any more, unless it is nil. Until then the partition takes
// no other hub event. The bytes of the hub event must have been reserved.
func (s *share) keep(release func()) {
	if release == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.large = release
}

// room reports whether another hub event may be taken. If not, later is closed when it is worth asking again.
func (s *share) room() (room bool, later <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.large == nil && (s.held == 0 || s.free > 0) {
		return true, nil
	}
	if s.freed == nil {
		s.freed = make(chan struct{})
	}
	return false, s.freed
}

// reserve takes the bytes of a hub event from the budget.
func (s *share) reserve(bytes int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free -= bytes
	s.held += bytes
}

// release returns the bytes of a hub event that has its verdicts.
func (s *share) release(bytes int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free += bytes
	s.held -= bytes
	s.wake()
}

// releaseAll returns everything at the end of a session.
func (s *share) releaseAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free += s.held
	s.held = 0
	s.wake()
}

func (s *share) wake() {
	if s.held == 0 && s.large != nil {
		s.large()
		s.large = nil
	}
	if s.freed != nil {
		close(s.freed)
		s.freed = nil
	}
}
