package gctune

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync/atomic"
	"time"
)

const (
	// mostGarbage is how much garbage the heap may gather, in bytes, however much the daemon keeps. What it keeps of
	// large hub events is a few slices of bytes, which cost the collector next to nothing to look at, so it may come
	// often.
	mostGarbage = 24 << 20
	// leastPercent keeps the collector from working all the time if the daemon keeps much.
	leastPercent = 25
	// quietPercent is for a heap that takes quietTime or more to fill: a daemon with little to do can collect often,
	// and holds less memory while it waits.
	quietPercent = 50
	quietTime    = time.Second
)

// liveMetric is what the last collection found to be in use, in bytes.
const liveMetric = "/gc/heap/live:bytes"

// boundGarbage sets the percentage anew after each collection, so that no more than mostGarbage is gathered until the
// next one. The function that it returns ends that.
func boundGarbage() (stop func()) {
	var stopped atomic.Bool
	current, last := heapPercent, time.Now()
	sample := []metrics.Sample{{Name: liveMetric}}
	afterCollections(&stopped, func() {
		metrics.Read(sample)
		filled := time.Since(last)
		last = last.Add(filled)
		if wanted := percentFor(sample[0].Value.Uint64(), filled); wanted != current {
			current = wanted
			debug.SetGCPercent(wanted)
		}
	})
	return func() { stopped.Store(true) }
}

// percentFor returns the percentage for a heap of which so many bytes are in use, and which took so long to fill.
func percentFor(live uint64, filled time.Duration) int {
	most := uint64(heapPercent)
	if filled >= quietTime {
		most = quietPercent
	}
	percent := mostGarbage * 100 / max(live, 1)
	percent -= percent % 5                            // each change stops the program for some microseconds
	return int(min(max(percent, leastPercent), most)) // #nosec G115 -- bounded
}

// sentinel is an object that nobody refers to. It holds a pointer, so that it has a block of its own.
type sentinel struct{ _ *sentinel }

// afterCollections calls do after each collection, until stopped. A collection finds the sentinel unused and runs its
// finalizer, which makes the next one.
func afterCollections(stopped *atomic.Bool, do func()) {
	runtime.SetFinalizer(&sentinel{}, func(*sentinel) {
		if stopped.Load() {
			return
		}
		do()
		afterCollections(stopped, do)
	})
}
