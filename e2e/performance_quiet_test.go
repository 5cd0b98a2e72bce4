//go:build bench && linux

package e2e

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aks-audit-log-go/e2e/bench/load"
	"aks-audit-log-go/e2e/harness"
)

const (
	// idleDelay is how long a daemon without work is left alone before it counts as idle.
	idleDelay = 3 * time.Second
	// checkpointed is the time after which everything delivered is in a checkpoint: SINKSETTLETIME and
	// CHECKPOINTINTERVAL, 5 s each, and some reserve.
	checkpointed = 12 * time.Second
)

// startIdle starts a daemon and waits until it owns all partitions.
func (s *surroundings) startIdle(t *testing.T) *harness.Daemon {
	t.Helper()
	d := s.startDaemon(t, nil)
	d.AwaitMetric(t, harness.PartitionsOwned, usualPartitions)
	time.Sleep(idleDelay)
	return d
}

// pace appends hub events at a fixed rate.
func (s *surroundings) pace(t *testing.T, hubEvents, records int, every time.Duration) {
	t.Helper()
	s.hub.tell(t, fmt.Sprintf("/pace?hubEvents=%d&records=%d&every=%s", hubEvents, records, every))
}

// steady appends a hub event with so many audit events at each interval.
func steady(records int, every time.Duration) func(*testing.T, *bench, int) measure {
	return func(t *testing.T, b *bench, _ int) measure {
		s := b.surround(t, usualPartitions)
		d := s.startIdle(t)
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

// quiet appends a single audit event now and then, each to another partition.
func quiet(t *testing.T, b *bench, _ int) measure {
	s := b.surround(t, usualPartitions)
	d := s.startIdle(t)
	m := unmeasured()
	s.pace(t, quietEvents, 1, 487*time.Millisecond) // not in step with any timer
	s.sink.await(t, quietEvents, d.Process)
	m.waits(s.sink.counts(t, "?waits=1").Waits)
	return m
}

// idle measures a daemon without work.
func idle(t *testing.T, b *bench, _ int) measure {
	s := b.surround(t, usualPartitions)
	s.fill(t, usualPartitions, 1)
	d := s.startIdle(t)
	s.sink.await(t, usualPartitions, d.Process)
	time.Sleep(checkpointed)
	s.blobs.checkpoints.Store(0)
	before, began := costOf(t, d.Process), time.Now()
	time.Sleep(idleFor)
	after, took := costOf(t, d.Process), time.Since(began).Seconds()
	m := unmeasured()
	m.cores = 100 * (after.cpu - before.cpu).Seconds() / took
	m.rss = float64(after.peak) / (1 << 20)
	m.checkpoints = float64(s.blobs.checkpoints.Load()) / took
	return m
}

// startToFirst measures the time from the start of the process to its first POST, if all partitions are free and the
// container must be created.
func startToFirst(t *testing.T, b *bench, _ int) measure {
	s := b.surround(t, usualPartitions)
	s.fill(t, usualPartitions, 1)
	began := time.Now()
	d := s.startDaemon(t, nil)
	counts := s.sink.await(t, usualPartitions, d.Process)
	m := unmeasured()
	m.start = timeOf(counts.First).Sub(began).Seconds()
	return m
}

// limited measures a daemon with a rate limit and a backlog. Its start does not count: at that rate it would be most of
// the cost.
func limited(t *testing.T, b *bench, _ int) measure {
	s := b.surround(t, usualPartitions)
	d := s.startDaemon(t, harness.Settings{"RATELIMITEREVENTSPERSECONDS": fmt.Sprint(limitedRate)})
	d.AwaitMetric(t, harness.PartitionsOwned, usualPartitions)
	time.Sleep(idleDelay)
	before, hub, sink := costOf(t, d.Process), costOf(t, s.hub.Process), costOf(t, s.sink.Process)
	hubEvents := int(limitedRate*limitedFor.Seconds()) / load.Records
	s.fill(t, hubEvents, load.Records)
	counts := s.sink.await(t, int64(hubEvents*load.Records), d.Process)
	m := s.finished(t, counts, before, hub, sink, d.Process)
	s.assertExactly(t, hubEvents*load.Records, d)
	return m
}

// slowSink measures a daemon with a deep backlog and a slow sink.
func slowSink(t *testing.T, b *bench, _ int) measure {
	s := b.surround(t, usualPartitions, "-delay", slowDelay.String())
	s.fill(t, leastBacklog*10, 22)
	hub, sink := costOf(t, s.hub.Process), costOf(t, s.sink.Process)
	d := s.startDaemon(t, harness.Settings{"SHUTDOWNTIMEOUT": "14s"})
	time.Sleep(slowFor)
	m := s.finished(t, s.sink.counts(t, ""), cost{}, hub, sink, d.Process)
	m.cpu, m.hubCPU, m.sinkCPU, m.blobWrites = math.NaN(), math.NaN(), math.NaN(), math.NaN() // there are too few audit events for these
	return m
}
