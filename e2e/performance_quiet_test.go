//go:build bench && linux

package e2e

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aks-audit-log-go/e2e/bench/load"
	"aks-audit-log-go/e2e/bench/usage"
	"aks-audit-log-go/e2e/harness"
)

const (
	// idleDelay is how long a daemon without work is left alone before it counts as idle.
	idleDelay = 3 * time.Second
	// checkpointed is the time after which everything delivered is in a checkpoint. It is SINKSETTLETIME and
	// CHECKPOINTINTERVAL, which are 5 s each, and some reserve.
	checkpointed = 12 * time.Second
)

// startIdle starts a daemon, and waits until it owns all partitions.
func (s *surroundings) startIdle(t *testing.T, partitions int) *harness.Daemon {
	t.Helper()
	d := s.startDaemon(t, nil)
	d.AwaitMetric(t, harness.PartitionsOwned, float64(partitions))
	time.Sleep(idleDelay)
	return d
}

// pace appends hub events at a fixed rate.
func (s *surroundings) pace(t *testing.T, hubEvents, records int, every time.Duration) {
	t.Helper()
	s.hub.tell(t, paceCommand(hubEvents, records, every))
}

func paceCommand(hubEvents, records int, every time.Duration) string {
	return fmt.Sprintf("/pace?hubEvents=%d&records=%d&every=%s", hubEvents, records, every)
}

// steady appends a hub event with this many audit events at each interval.
func steady(records int, every time.Duration, sinkArgs ...string) func(*testing.T, *bench, int) measure {
	return func(t *testing.T, b *bench, _ int) measure {
		s := b.surround(t, usualPartitions, sinkArgs...)
		d := s.startIdle(t, usualPartitions)
		warmUp, hubEvents := int(steadyWarmUp/every), int(steadyFor/every)
		s.pace(t, warmUp, records, every)
		s.sink.await(t, int64(warmUp*records), d.Process)
		s.sink.tell(t, "/reset")
		s.blobs.writes.Store(0)
		s.blobs.checkpoints.Store(0)
		before, hub, sink, began := costOf(t, d.Process), costOf(t, s.hub.Process), costOf(t, s.sink.Process), time.Now()
		s.pace(t, hubEvents, records, every)
		s.sink.await(t, int64(hubEvents*records), d.Process)
		counts := s.sink.counts(t, "?waits=1")
		m := s.finished(t, counts, before, hub, sink, d.Process)
		m.cores = 100 * (costOf(t, d.Process).cpu - before.cpu).Seconds() / time.Since(began).Seconds()
		require.Len(t, counts.Waits, hubEvents*records)
		m.waits(counts.Waits)
		return m
	}
}

// quiet appends single audit events at long intervals, each to another partition.
func quiet(t *testing.T, b *bench, _ int) measure {
	s := b.surround(t, usualPartitions)
	d := s.startIdle(t, usualPartitions)
	m := unmeasured()
	s.pace(t, quietEvents, 1, 487*time.Millisecond) // not in step with any timer
	s.sink.await(t, quietEvents, d.Process)
	m.waits(s.sink.counts(t, "?waits=1").Waits)
	return m
}

// idle measures a daemon without work, from the end of one renewal of the ownerships to the end of another.
func idle(partitions int) func(*testing.T, *bench, int) measure {
	return func(t *testing.T, b *bench, _ int) measure {
		s := b.surround(t, partitions)
		s.fill(t, partitions, load.Shape{Records: 1})
		d := s.startIdle(t, partitions)
		s.sink.await(t, int64(partitions), d.Process)
		harness.Pause(t.Context(), checkpointed)
		m := unmeasured()
		m.resident = residentMiB(t, d.Process)
		s.blobs.awaitRenewals(t, 0)
		s.blobs.writes.Store(0)
		s.blobs.checkpoints.Store(0)
		s.blobs.lists.Store(0)
		before, began := costOf(t, d.Process), time.Now()
		s.blobs.awaitRenewals(t, idleFor)
		after, took := costOf(t, d.Process), time.Since(began)
		m.cores = 100 * (after.cpu - before.cpu).Seconds() / took.Seconds()
		m.rss = float64(after.peak) / (1 << 20)
		m.residentEnd = residentMiB(t, d.Process)
		m.checkpoints = float64(s.blobs.checkpoints.Load()) / took.Seconds()
		m.writes = float64(s.blobs.writes.Load()) / took.Minutes()
		m.lists = float64(s.blobs.lists.Load()) / took.Minutes()
		return m
	}
}

func residentMiB(t *testing.T, p *harness.Process) float64 {
	t.Helper()
	now, err := usage.RSS(p.Cmd.Process.Pid)
	require.NoError(t, err)
	return float64(now) / (1 << 20)
}

// limited measures a daemon with a rate limit and a backlog. Its start does not count, because at that rate the start
// would be most of the cost.
func limited(t *testing.T, b *bench, _ int) measure {
	s := b.surround(t, usualPartitions)
	d := s.startDaemon(t, harness.Settings{"RATELIMITEREVENTSPERSECONDS": fmt.Sprint(limitedRate)})
	d.AwaitMetric(t, harness.PartitionsOwned, usualPartitions)
	time.Sleep(idleDelay)
	before, hub, sink := costOf(t, d.Process), costOf(t, s.hub.Process), costOf(t, s.sink.Process)
	hubEvents := int(limitedRate*limitedFor.Seconds()) / load.Records
	s.fill(t, hubEvents, usualShape)
	counts := s.sink.await(t, int64(hubEvents*load.Records), d.Process)
	m := s.finished(t, counts, before, hub, sink, d.Process)
	s.assertExactly(t, hubEvents*load.Records, d)
	return m
}

// slowSink measures a daemon with a deep backlog and a slow sink.
func slowSink(t *testing.T, b *bench, _ int) measure {
	s := b.surround(t, usualPartitions, "-delay", slowDelay.String())
	s.fill(t, leastBacklog*10, usualShape)
	hub, sink := costOf(t, s.hub.Process), costOf(t, s.sink.Process)
	d := s.startDaemon(t, harness.Settings{"SHUTDOWNTIMEOUT": "14s"})
	time.Sleep(slowFor)
	m := s.finished(t, s.sink.counts(t, ""), cost{}, hub, sink, d.Process)
	// These have too few audit events to be measured.
	m.cpu, m.hubCPU, m.sinkCPU, m.blobWrites = math.NaN(), math.NaN(), math.NaN(), math.NaN()
	return m
}
