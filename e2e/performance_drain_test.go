//go:build bench && linux

package e2e

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"aks-audit-log-go/e2e/bench/control"
	"aks-audit-log-go/e2e/bench/figures"
	"aks-audit-log-go/e2e/bench/load"
	"aks-audit-log-go/e2e/harness"
)

func drain(others harness.Settings) func(*testing.T, *bench, int) measure {
	return drainPartitions(usualPartitions, others)
}

func drainPartitions(partitions int, others harness.Settings) func(*testing.T, *bench, int) measure {
	return func(t *testing.T, b *bench, hubEvents int) measure {
		s := b.surround(t, partitions)
		return s.drain(t, hubEvents, usualShape, others)
	}
}

func drainShape(partitions int, shape load.Shape) func(*testing.T, *bench, int) measure {
	return func(t *testing.T, b *bench, hubEvents int) measure {
		return b.surround(t, partitions).drain(t, hubEvents, shape, nil)
	}
}

func drainSecurely(t *testing.T, b *bench, hubEvents int) measure {
	s := b.surround(t, usualPartitions)
	return s.drain(t, hubEvents, usualShape, harness.Settings{"EHUBNAMESPACECONNECTIONSTRING": s.hub.Secure})
}

func drainIntoFalco(t *testing.T, b *bench, hubEvents int) measure {
	s := b.surround(t, usualPartitions)
	s.sink = startPart(t, nil, b.falco)
	m := s.drain(t, hubEvents, usualShape, nil)
	m.posts, m.batch = math.NaN(), math.NaN() // the plugin does not count these
	return m
}

// drain starts a daemon with a backlog.
func (s *surroundings) drain(t *testing.T, hubEvents int, shape load.Shape, others harness.Settings) measure {
	t.Helper()
	s.fill(t, hubEvents, shape)
	hub, sink := costOf(t, s.hub.Process), costOf(t, s.sink.Process)
	d := s.startDaemon(t, others)
	counts := s.sink.await(t, int64(hubEvents*shape.AuditEvents()), d.Process)
	m := s.finished(t, counts, cost{}, hub, sink, d.Process)
	s.assertExactly(t, hubEvents*shape.AuditEvents(), d)
	return m
}

// finished calculates what processes did and used after before.
func (s *surroundings) finished(t *testing.T, counts control.Counts, before, hub, sink cost, measured ...*harness.Process) measure {
	t.Helper()
	m := unmeasured()
	m.throughput(counts)
	total := float64(counts.Events)
	after := costOf(t, measured...)
	m.cpu = figures.PerMillion((after.cpu - before.cpu).Seconds(), total)
	m.rss = float64(after.peak) / (1 << 20)
	m.posts = figures.PerMillion(float64(counts.Posts), total)
	m.batch = total / float64(counts.Posts)
	m.hubCPU = figures.PerMillion((costOf(t, s.hub.Process).cpu - hub.cpu).Seconds(), total)
	m.sinkCPU = figures.PerMillion((costOf(t, s.sink.Process).cpu - sink.cpu).Seconds(), total)
	m.blobWrites = figures.PerMillion(float64(s.blobs.writes.Load()), total)
	m.checkpoints = float64(s.blobs.checkpoints.Load()) / m.seconds
	return m
}

// assertExactly stops the daemons, and asserts that no audit event came twice. If work was done twice, the figures are
// not valid.
func (s *surroundings) assertExactly(t *testing.T, events int, daemons ...*harness.Daemon) {
	t.Helper()
	for _, d := range daemons {
		d.Stop(t)
	}
	require.EqualValues(t, events, s.sink.counts(t, "").Events, "each audit event was delivered once")
}

// drainReplicas waits until the replicas share the partitions, and then makes the backlog.
func drainReplicas(replicas int) func(*testing.T, *bench, int) measure {
	return func(t *testing.T, b *bench, hubEvents int) measure {
		s := b.surround(t, usualPartitions)
		var daemons []*harness.Daemon
		var processes []*harness.Process
		for range replicas {
			d := s.startDaemon(t, nil)
			daemons, processes = append(daemons, d), append(processes, d.Process)
		}
		harness.Wait(t, func() bool { return balanced(t, daemons) }, "%d replicas share the partitions", replicas)
		s.blobs.writes.Store(0)
		before, hub, sink := costOf(t, processes...), costOf(t, s.hub.Process), costOf(t, s.sink.Process)
		s.fill(t, hubEvents, usualShape)
		counts := s.sink.await(t, int64(hubEvents*load.Records), processes...)
		m := s.finished(t, counts, before, hub, sink, processes...)
		s.assertExactly(t, hubEvents*load.Records, daemons...)
		return m
	}
}

func balanced(t *testing.T, daemons []*harness.Daemon) bool {
	total := 0.0
	for _, d := range daemons {
		owned := d.Metric(t, harness.PartitionsOwned)
		if owned < math.Floor(usualPartitions/float64(len(daemons))) {
			return false
		}
		total += owned
	}
	return total == usualPartitions
}
