package gctune

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync/atomic"
)

// heapFloor is how large the heap may grow before it is worth collecting, in bytes. By itself Go
// collects as soon as the heap has doubled, and what the daemon keeps is so little (6 MiB) against
// what passes through that it would do so a hundred times a second before a backlog, for a third of
// its processor time (docs/design.md, What cost much).
const heapFloor = 44 << 20

// spareCollector has the garbage collector wait until the heap has reached heapFloor, unless the
// operator has set GOGC, until stop is called. A heap of more than half of that is collected when it
// has doubled, as it would be anyway; what limitMemory sets holds in any case.
func SpareCollector(lookup func(string) (string, bool)) (stop func()) {
	if _, set := lookup("GOGC"); set {
		return func() {}
	}
	stopped := new(atomic.Bool)
	(&collected{stopped}).again()
	return func() { stopped.Store(true) }
}

// collected is garbage whose finalizer tells of each collection.
type collected struct{ stopped *atomic.Bool }

// again sets the percentage by what the last collection has left, and waits for the next.
func (c *collected) again() {
	if c.stopped.Load() {
		return
	}
	left := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/scan/stack:bytes"}, {Name: "/gc/scan/globals:bytes"}}
	metrics.Read(left)
	live := left[0].Value.Uint64()
	debug.SetGCPercent(gcPercent(live, live+left[1].Value.Uint64()+left[2].Value.Uint64()))
	runtime.SetFinalizer(c, (*collected).again)
}

// gcPercent is by how much a heap may grow before it is collected, as with GOGC: up to heapFloor,
// and no less than Go's own 100. It is a percentage of the roots, too. At 100 Go lets a heap grow to
// 4 MiB whatever it holds, at 1100 to heapFloor (runtime.defaultHeapMinimum).
func gcPercent(live, roots uint64) int {
	const goHeapFloor = 4 << 20
	if live >= heapFloor {
		return 100
	}
	percent := (heapFloor - live) * 100 / max(roots, 1)
	return int(min(max(percent, 100), heapFloor/goHeapFloor*100)) // #nosec G115 -- bounded
}
