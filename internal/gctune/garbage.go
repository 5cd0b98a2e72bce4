package gctune

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync/atomic"
	"time"
)

const (
	// mostGarbage is how much garbage the heap may gather at most, in bytes. It applies however much memory the daemon
	// keeps. Of large hub events, the daemon keeps a few slices of bytes. The collector checks these in almost no
	// time, so it may run often.
	mostGarbage = 24 << 20
	// leastPercent prevents the collector from running all the time when the daemon keeps much memory.
	leastPercent = 25
	// quietPercent is for a heap that takes at least quietTime to fill. A daemon with little to do can collect often,
	// and then holds less memory while it waits.
	quietPercent = 50
	quietTime    = time.Second
)

// liveMetric is how much memory was in use at the last collection, in bytes.
const liveMetric = "/gc/heap/live:bytes"

// boundGarbage sets the percentage after each collection, so that at most mostGarbage is gathered until the next one.
// The returned function stops this.
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

// percentFor returns the percentage for a heap of which live bytes are in use, and which took the time filled to fill.
func percentFor(live uint64, filled time.Duration) int {
	most := uint64(heapPercent)
	if filled >= quietTime {
		most = quietPercent
	}
	percent := mostGarbage * 100 / max(live, 1)
	percent -= percent % 5                            // each change stops the program for some microseconds
	return int(min(max(percent, leastPercent), most)) // #nosec G115 -- bounded
}

// sentinel is an object without references to it. It has a pointer, so that it gets a block of memory of its own.
type sentinel struct{ _ *sentinel }

// afterCollections calls do after each collection, until stopped. A collection finds the sentinel unused and runs its
// finalizer, which makes the next sentinel.
func afterCollections(stopped *atomic.Bool, do func()) {
	runtime.SetFinalizer(&sentinel{}, func(*sentinel) {
		if stopped.Load() {
			return
		}
		do()
		afterCollections(stopped, do)
	})
}
