package deadletters

import (
	"sync"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/forwarder/health"
)

// maxStoring bounds the concurrent requests of all partitions together.
const maxStoring = 16

// Memory counts waiting dead letters. Its functions are called with the size in bytes.
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
	// slots holds a value for each current request.
	slots chan struct{}

	mu sync.Mutex
	// waiting is how many bytes of dead letters wait.
	waiting int
	// freed is closed when there may be room again, nil if nothing waits for it.
	freed chan struct{}
}

// NewShared returns what New needs. Dead letters of up to 2*limit bytes may wait, and one more.
func NewShared(store eventhub.DeadLetterStore, health *health.Health, limit int, memory Memory) *Shared {
	return &Shared{store: store, health: health, memory: memory, limit: limit, slots: make(chan struct{}, maxStoring)}
}

// roomFor reports whether another dead letter may wait of a partition that has so many bytes waiting. A partition with
// none comes first, so that a flood in one partition does not stop those with few dead letters. mu is held.
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
