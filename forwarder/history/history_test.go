package history

import (
	"context"
	"encoding/json"
	"math"
	"runtime"
	"strconv"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/forwarder/audit"
	"aks-audit-log-go/forwarder/metrics"
	"aks-audit-log-go/internal/promtest"
)

type fixture struct {
	history *History
	stats   *metrics.Statistics
	clock   *promtest.Clock
}

func newFixture() fixture {
	clock := &promtest.Clock{Time: time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)}
	stats := metrics.NewStatistics(prometheus.NewRegistry(), "v1", clock.Now)
	return fixture{New(stats, clock.Now), stats, clock}
}

// pass looks at the counters every five seconds for so many minutes, with work before each look.
func (f fixture) pass(minutes int, work func()) {
	for range minutes * 12 {
		work()
		f.history.Look()
		f.clock.Time = f.clock.Time.Add(interval)
	}
}

// handle makes a partition handle one hub event of two audit events.
func (f fixture) handle(id string) {
	f.stats.Partition(id).Handled()
	f.stats.Partition(id).Records(audit.Delivered, 2)
}

func TestAnOutageOfTheSinkIsThereToBeLookedAtAfterwards(t *testing.T) {
	f := newFixture()
	p := f.stats.Partition("0")
	p.Owned()
	lag := int64(0)
	work := func() { f.handle("0"); p.Done(f.clock.Time); p.SinkAnswered(200, "", 4*time.Millisecond); p.Lag(lag) }
	f.pass(3, work)
	broke := f.clock.Time
	f.pass(4, func() { lag++; p.Lag(lag); p.SinkAnswered(503, "the sink answered 503", time.Millisecond) })
	f.pass(2, func() { lag = max(lag-12, 0); f.handle("0"); p.Done(broke); work() })

	s := f.history.Partition("0")
	assert.Equal(t, time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC), s.Start)
	assert.Equal(t, 60, s.StepSeconds)
	require.Len(t, s.Handled, 9)
	assert.Equal(t, Numbers{12, 12, 12, 0, 0, 0, 0, 24, 24}, s.Handled)
	assert.Equal(t, Numbers{24, 24, 24, 0, 0, 0, 0, 48, 48}, s.Delivered)
	assert.Equal(t, Numbers{0, 0, 0, 12, 24, 36, 48, 0, 0}, s.Lag)
	assert.Equal(t, Numbers{12, 12, 12, 12, 12}, s.Arrived[1:6], "in the first minute the lag is new")
	assert.Equal(t, Numbers{0, 0, 0, 1, 1, 1, 1, 0, 0}, s.Failed)
	assert.InDelta(t, 0.004, s.Answer[0], 0.0001)
	assert.InDelta(t, 240, s.Age[6], 5)
	assert.Zero(t, s.Age[8])
	assert.Equal(t, asJSON(t, s), asJSON(t, f.history.All()), "there is one partition")
}

// asJSON returns the series in a form in which unknown numbers are equal.
func asJSON(t *testing.T, s Series) string {
	t.Helper()
	body, err := json.Marshal(s)
	require.NoError(t, err)
	return string(body)
}

func TestAllPartitionsAreAddedUp(t *testing.T) {
	f := newFixture()
	for _, id := range []string{"0", "1"} {
		f.stats.Partition(id).Owned()
		f.stats.Partition(id).Lag(3)
	}
	f.stats.Partition("1").Done(f.clock.Time.Add(-time.Hour))
	f.pass(2, func() { f.handle("0"); f.handle("1"); f.handle("1") })
	all := f.history.All()
	assert.Equal(t, Numbers{36, 36}, all.Handled)
	assert.Equal(t, Numbers{6, 6}, all.Lag)
	assert.InDelta(t, 3660, all.Age[0], 20)
}

func TestWhatWaitedWhenAPartitionWasClaimedDidNotArriveThen(t *testing.T) {
	f := newFixture()
	p := f.stats.Partition("0")
	p.Owned()
	p.Lag(1)
	f.pass(1, func() {})
	p.Released()
	f.pass(1, func() {})
	p.Owned()
	p.Lag(4_800_000)
	f.pass(2, func() {})
	s := f.history.Partition("0")
	assert.True(t, math.IsNaN(s.Lag[1]), "another replica read it")
	assert.True(t, math.IsNaN(s.Arrived[2]))
	assert.InEpsilon(t, 4_800_000, s.Lag[2], 1.0/256)
	assert.Zero(t, s.Arrived[3])
}

func TestADayIsKept(t *testing.T) {
	f := newFixture()
	f.stats.Partition("0").Owned()
	f.pass(25*60, func() { f.handle("0") })
	s := f.history.Partition("0")
	require.Len(t, s.Handled, 24*60)
	assert.Equal(t, f.clock.Time.Add(-24*time.Hour), s.Start)
	f.clock.Time = f.clock.Time.Add(72 * time.Hour)
	f.history.Look()
	s = f.history.Partition("0")
	require.Len(t, s.Handled, 24*60)
	assert.True(t, math.IsNaN(s.Handled[24*60-2]), "the process was frozen")
}

func TestAClockThatIsSetBackDoesNoHarm(t *testing.T) {
	f := newFixture()
	f.stats.Partition("0").Owned()
	f.pass(5, func() { f.handle("0") })
	f.clock.Time = f.clock.Time.Add(-time.Hour)
	f.pass(1, func() { f.handle("0") })
	assert.Equal(t, Numbers{12, 12, 12, 12, 24}, f.history.Partition("0").Handled)
}

func TestAPartitionThatIsNotOwnedForADayHasNoHistory(t *testing.T) {
	f := newFixture()
	f.stats.Partition("0").Owned()
	f.history.Look()
	f.stats.Partition("0").Released()
	f.clock.Time = f.clock.Time.Add(25 * time.Hour)
	f.history.Look()
	for _, id := range []string{"0", "none"} {
		assert.JSONEq(t, `{"start":"2026-02-01T13:00:00Z","step_seconds":60,"arrived_hub_events":[],"handled_hub_events":[],
			"delivered_audit_events":[],"lag_events":[],"age_seconds":[],"answer_seconds":[],"post_failed":[]}`, asJSON(t, f.history.Partition(id)))
	}
}

func TestAHundredPartitionsHaveAHistoryOfTheirOwn(t *testing.T) {
	f := newFixture()
	for i := range 130 {
		f.stats.Partition(strconv.Itoa(i)).Owned()
		f.handle(strconv.Itoa(i))
	}
	f.history.Look()
	assert.Equal(t, 100, f.history.rings())
	assert.Equal(t, Numbers{130}, f.history.All().Handled)
}

// TestThirtyTwoPartitionsCostLessThanAMebibyte measures the heap after the rings have gone round once.
func TestThirtyTwoPartitionsCostLessThanAMebibyte(t *testing.T) {
	assert.Equal(t, uintptr(12), unsafe.Sizeof(minute{}))
	f := newFixture()
	for i := range 32 {
		f.stats.Partition(strconv.Itoa(i)).Owned()
		f.stats.Partition(strconv.Itoa(i)).Lag(7)
	}
	f.history = nil
	before := heap()
	f.history = New(f.stats, f.clock.Now)
	for range 25 * 60 {
		f.history.Look()
		f.clock.Time = f.clock.Time.Add(time.Minute)
	}
	cost := heap() - before
	t.Logf("the history of 32 partitions has %d bytes", cost)
	assert.Greater(t, cost, int64(33*length*12), "the rings are there")
	assert.Less(t, cost, int64(1<<20))
	assert.Equal(t, 32, f.history.rings())
}

// heap returns the bytes in use after a collection.
func heap() int64 {
	runtime.GC()
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}

func TestUnknownNumbersAreNull(t *testing.T) {
	body, err := json.Marshal(Numbers{1, unknown, 0.00123456, 4_800_000, 0})
	require.NoError(t, err)
	assert.Equal(t, "[1,null,0.0012346,4800000,0]", string(body))
	body, err = json.Marshal(newFixture().history.All())
	require.NoError(t, err)
	assert.JSONEq(t, `{"start":"2026-01-31T12:00:00Z","step_seconds":60,"arrived_hub_events":[null],"handled_hub_events":[null],
		"delivered_audit_events":[null],"lag_events":[null],"age_seconds":[null],"answer_seconds":[null],"post_failed":[null]}`, string(body))
}

func TestRunLooksUntilItsContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stats := metrics.NewStatistics(prometheus.NewRegistry(), "v1", time.Now)
		stats.Partition("0").Owned()
		h := New(stats, time.Now)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); h.Run(ctx) }()
		synctest.Wait()
		stats.Partition("0").Handled()
		<-time.After(interval)
		synctest.Wait()
		assert.Equal(t, Numbers{1}, h.All().Handled)
		stop()
		<-ended
	})
}
