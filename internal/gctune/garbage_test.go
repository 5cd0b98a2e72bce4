package gctune

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTheMoreIsKeptTheSoonerGarbageIsCollected(t *testing.T) {
	for live, want := range map[uint64]int{0: heapPercent, 6 << 20: heapPercent, 12 << 20: 200, 24 << 20: 100, 40 << 20: 60, 1 << 30: leastPercent} {
		assert.Equal(t, want, percentFor(live, time.Millisecond), "%d MiB", live>>20)
	}
}

func TestAHeapThatFillsSlowlyIsCollectedSooner(t *testing.T) {
	for live, want := range map[uint64]int{0: quietPercent, 40 << 20: quietPercent, 96 << 20: leastPercent} {
		assert.Equal(t, want, percentFor(live, quietTime), "%d MiB", live>>20)
	}
}

func TestAHeapOfLargeHubEventsGathersLittleGarbage(t *testing.T) {
	asTheOperatorLeftIt(t)
	debug.SetGCPercent(heapPercent)
	t.Cleanup(boundGarbage())
	set := []metrics.Sample{{Name: "/gc/gogc:percent"}}
	kept := make([]byte, 48<<20)
	require.Eventually(t, func() bool {
		runtime.GC()
		metrics.Read(set)
		return set[0].Value.Uint64() < heapPercent/2
	}, time.Minute, time.Millisecond)
	runtime.KeepAlive(kept)
}
