package gctune

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestAHeapMayGrowToTheFloorOrDouble(t *testing.T) {
	tests := map[string]struct {
		live, roots uint64
		want        int
	}{
		"at the start":                    {0, 0, 1100},
		"no more than Go's own minimum":   {1 << 20, 1 << 20, 1100},
		"up to the floor":                 {11 << 20, 11 << 20, 300},
		"roots beside the heap":           {11 << 20, 12 << 20, 275},
		"at half of the floor it doubles": {22 << 20, 22 << 20, 100},
		"above it, too":                   {30 << 20, 30 << 20, 100},
		"beyond the floor":                {1 << 30, 1 << 30, 100},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { assert.Equal(t, test.want, gcPercent(test.live, test.roots)) })
	}
}

// collections is how often the heap has been collected.
func collections() uint64 {
	sample := []metrics.Sample{{Name: "/gc/cycles/total:gc-cycles"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// garbage keeps the compiler from doing without an allocation.
var garbage []byte

func TestTheCollectorWaitsForTheFloorAlsoAfterManyCollections(t *testing.T) {
	before := debug.SetGCPercent(100)
	unset := func(string) (string, bool) { return "", false }
	stop := SpareCollector(unset)
	t.Cleanup(func() { stop(); debug.SetGCPercent(before) })
	percent := func() int { p := debug.SetGCPercent(100); debug.SetGCPercent(p); return p }
	for range 3 {
		debug.SetGCPercent(100)
		runtime.GC()
		assert.Eventually(t, func() bool { return percent() > 200 }, 2*time.Minute, time.Millisecond, "a collection sets it anew")
	}
	first := collections()
	for range 10 * heapFloor >> 15 {
		garbage = make([]byte, 1<<15)
	}
	assert.LessOrEqual(t, collections()-first, uint64(40), "of 440 MiB")
}

func TestTheOperatorsGOGCHolds(t *testing.T) {
	before := debug.SetGCPercent(50)
	t.Cleanup(func() { debug.SetGCPercent(before) })
	SpareCollector(func(string) (string, bool) { return "50", true })()
	runtime.GC()
	assert.Equal(t, 50, debug.SetGCPercent(50))
}
