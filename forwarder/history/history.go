package history

import (
	"context"
	"sync"
	"time"

	"aks-audit-log-go/forwarder/metrics"
)

const (
	// interval is the time between two readings of the counters.
	interval = 5 * time.Second
	// maxPartitions bounds the partitions with their own history. A hub of the Premium tier has up to 100. Other
	// partitions are only part of the history of all partitions.
	maxPartitions = 100
)

// History keeps the last 24 hours of each partition, and of all together. It is empty after a start.
type History struct {
	stats *metrics.Statistics
	now   func() time.Time

	mu         sync.Mutex
	all        *ring
	partitions map[string]*partition
}

// New returns an empty history of what stats counts. Look records into it.
func New(stats *metrics.Statistics, now func() time.Time) *History {
	return &History{stats: stats, now: now, all: newRing(now()), partitions: map[string]*partition{}}
}

// Run calls Look regularly until ctx ends.
func (h *History) Run(ctx context.Context) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		h.Look()
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// Look records what has changed since the last call.
func (h *History) Look() {
	now := h.now()
	h.mu.Lock()
	defer h.mu.Unlock()
	together := nothing
	for id, counted := range h.stats.Partitions() {
		snapshot := counted.Snapshot()
		p := h.partition(id, snapshot.Owned, now)
		seen := p.see(snapshot, now)
		together.add(seen)
		if p.ring != nil {
			p.ring.note(seen, now)
		}
	}
	h.all.note(together, now)
}

// partition returns the state of a partition. A partition gets a ring when it is owned, and loses it when it has not
// been owned for the ring's 24 hours.
func (h *History) partition(id string, owned bool, now time.Time) *partition {
	p := h.partitions[id]
	if p == nil {
		p = &partition{}
		h.partitions[id] = p
	}
	switch {
	case owned:
		p.lastOwned = now
		if p.ring == nil && h.rings() < maxPartitions {
			p.ring = newRing(now)
		}
	case now.Sub(p.lastOwned) > length*time.Minute:
		p.ring = nil
	}
	return p
}

func (h *History) rings() (n int) {
	for _, p := range h.partitions {
		if p.ring != nil {
			n++
		}
	}
	return n
}

// All returns the history of all partitions together.
func (h *History) All() Series {
	h.mu.Lock()
	defer h.mu.Unlock()
	return newSeries(h.all)
}

// Partition returns the history of a partition. Its lists are empty if this replica has not owned the partition in the
// last 24 hours, or if maxPartitions others have a history.
func (h *History) Partition(id string) Series {
	h.mu.Lock()
	defer h.mu.Unlock()
	p := h.partitions[id]
	if p == nil || p.ring == nil {
		return Series{Start: h.now().UTC().Truncate(time.Minute), StepSeconds: 60}
	}
	return newSeries(p.ring)
}
