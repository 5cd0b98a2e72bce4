package deadletters

import (
	"sync"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/forwarder/health"
)

// maxStoring is how many requests all partitions together have under way.
const maxStoring = 16

// Memory is what dead letters are counted in while they wait. Its methods are called with the size in bytes.
type Memory struct {
	Reserve, Release func(bytes int)
}

// Shared is what all partitions have in common. It bounds the requests and the dead letters that wait.
type Shared struct {
	store  eventhub.DeadLetterStore
	health *health.Health
	memory Memory
	// limit is how many bytes of dead letters may wait. A partition without any may exceed it up to twice.
	limit int
	// slots holds a value for each request that is under way.
	slots chan struct{}

	mu sync.Mutex
	// waiting is how many bytes of dead letters wait.
	waiting int
	// freed is closed when there may be room again, nil if nobody waits for it.
	freed chan struct{}
}

// NewShared returns what New needs. Dead letters of up to 2*limit bytes may wait, and one more.
func NewShared(store eventhub.DeadLetterStore, health *health.Health, limit int, memory Memory) *Shared {
	return &Shared{store: store, health: health, memory: memory, limit: limit, slots: make(chan struct{}, maxStoring)}
}

// roomFor reports whether another dead letter of a partition may wait, which has so many bytes of them. A partition
// with none is let in before the others, so that a flood in one partition does not hold those with few dead letters.
// mu is held.
func (s *Shared) roomFor(bytes int) bool {
	return s.waiting < s.limit || bytes == 0 && s.waiting < 2*s.limit
}

// room returns a channel that is closed when it is worth asking for room again. mu is held.
func (s *Shared) room() <-chan struct{} {
	if s.freed == nil {
		s.freed = make(chan struct{})
	}
	return s.freed
}

// take counts a dead letter that waits. mu is held.
func (s *Shared) take(bytes int) {
	s.waiting += bytes
	s.memory.Reserve(bytes)
}

// free counts dead letters that do not wait any more. mu is held.
func (s *Shared) free(bytes int) {
	s.waiting -= bytes
	s.memory.Release(bytes)
	if s.freed != nil {
		close(s.freed)
		s.freed = nil
	}
}
