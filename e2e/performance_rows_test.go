//go:build bench && linux

package e2e

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aks-audit-log-go/e2e/bench/control"
	"aks-audit-log-go/e2e/bench/figures"
	"aks-audit-log-go/e2e/bench/load"
	"aks-audit-log-go/e2e/harness"
)

// These are the sections of the benchmark, in the order in which they run.
const (
	sectionLimits       = "limits"
	sectionDrain        = "drain"
	sectionFalco        = "falco"
	sectionPredecessors = "predecessors"
	sectionLatency      = "latency"
	sectionIdle         = "idle"
	sectionStart        = "start"
	sectionEvents       = "events"
	sectionPartitions   = "partitions"
	sectionReplicas     = "replicas"
	sectionSlow         = "slow"
	sectionLimited      = "limited"
)

var sections = []string{
	sectionLimits, sectionDrain, sectionFalco, sectionPredecessors, sectionLatency, sectionIdle, sectionStart,
	sectionEvents, sectionPartitions, sectionReplicas, sectionSlow, sectionLimited,
}

const (
	// usualPartitions is how many partitions the hub has unless a row says otherwise.
	usualPartitions = 4
	// listEvents is the most audit events that an EventList of the limits contains.
	listEvents = 400
	// idleFor is how long a daemon without work is measured.
	idleFor = 30 * time.Second
	// slowDelay is how long the slow sink takes to answer, and slowFor how long it is measured.
	slowDelay = time.Second
	slowFor   = 15 * time.Second
	// steadyFor is how long a steady stream is measured, after steadyWarmUp.
	steadyFor    = 15 * time.Second
	steadyWarmUp = 2 * time.Second
	quietEvents  = 20
	// limitedRate is RATELIMITEREVENTSPERSECONDS of the limited daemon, and limitedFor how long it is measured.
	limitedRate = 400
	limitedFor  = 30 * time.Second
)

// These are the names of the rows with which others are compared.
const (
	rowStraight = "straight loop, no guarantees"
	rowDrain    = "this daemon, defaults"
	rowFalco    = "this daemon into Falco's plugin"
	rowFalcoRaw = "load generator into Falco's plugin"
	rowSteady   = "1,000/s, 22 audit events a hub event"
	rowIdle     = "idle, 4 partitions"
	rowStart    = "1 audit event in each partition"
	rowLimited  = "RATELIMITEREVENTSPERSECONDS=400"
)

// allRows returns the rows of all sections.
func allRows() []*benchRow {
	rows := []*benchRow{
		{section: sectionLimits, name: rowStraight, drains: true, measure: limit("straight", plainAMQP)},
		{section: sectionLimits, name: "receive and discard", drains: true, measure: limit("discard", plainAMQP)},
		{section: sectionLimits, name: "receive and discard, TLS", drains: true, measure: limit("discard", secureAMQP)},
		{section: sectionLimits, name: "POST only, EventLists of 400", drains: true, measure: postOnly},
		{section: sectionDrain, name: rowDrain, drains: true, usual: 1, measure: drain(nil)},
		{section: sectionDrain, name: "this daemon, defaults, TLS", drains: true, usual: 1, measure: drainSecurely},
		{section: sectionFalco, name: rowFalco, drains: true, measure: drainIntoFalco},
		{section: sectionFalco, name: "straight loop into Falco's plugin", drains: true, measure: straightIntoFalco},
		{section: sectionFalco, name: rowFalcoRaw, drains: true, measure: postIntoFalco},
		{section: sectionPredecessors, name: "one POST an event, new connections", drains: true, measure: drain(asPredecessors("false"))},
		{section: sectionPredecessors, name: "one POST an event, kept connections", drains: true, measure: drain(asPredecessors("true"))},
		{section: sectionLatency, name: rowSteady, measure: steady(load.Records, load.Records*time.Millisecond)},
		{section: sectionLatency, name: "1,000/s, 1 audit event a hub event", measure: steady(1, time.Millisecond)},
		{section: sectionLatency, name: "now and then one", measure: quiet},
		{section: sectionIdle, name: rowIdle, measure: idle},
		{section: sectionStart, name: rowStart, measure: startToFirst},
		{section: sectionSlow, name: fmt.Sprintf("sink that takes %s a POST", slowDelay), measure: slowSink},
		{section: sectionLimited, name: rowLimited, measure: limited},
	}
	for _, times := range []float64{1, 2, 3, 4} {
		rows = append(rows, &benchRow{
			section: sectionEvents, name: fmt.Sprintf("backlog × %v", times), drains: true, usual: times, measure: drain(nil),
		})
	}
	for _, partitions := range []int{1, 2, 4, 8, 16, 32} {
		rows = append(rows, &benchRow{
			section: sectionPartitions, name: some(partitions, "partition"), x: float64(partitions),
			drains: true, usual: 1, measure: drainPartitions(partitions, nil),
		})
	}
	for _, replicas := range []int{1, 2, 3, 4} {
		rows = append(rows, &benchRow{
			section: sectionReplicas, name: some(replicas, "replica"), x: float64(replicas),
			drains: true, usual: 1, measure: drainReplicas(replicas),
		})
	}
	return rows
}

func some(n int, what string) string {
	if n > 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

// asPredecessors makes the daemon work as its predecessors did: a POST for each audit event, and a checkpoint for each
// hub event. Variables that this version does not know have no effect.
func asPredecessors(keepAlive string) harness.Settings {
	return harness.Settings{
		"POSTBATCHMAXEVENTS": "1", "KEEPALIVE": keepAlive, "CHECKPOINTINTERVAL": "1ms",
		"POSTFAILUREPOLICY": "drop", "SINKREPLAY": "off", "SINKSETTLETIME": "0s",
	}
}

func drain(others harness.Settings) func(*testing.T, *bench, int) measure {
	return drainPartitions(usualPartitions, others)
}

func drainPartitions(partitions int, others harness.Settings) func(*testing.T, *bench, int) measure {
	return func(t *testing.T, b *bench, hubEvents int) measure {
		s := b.surround(t, partitions)
		return s.drain(t, hubEvents, others)
	}
}

func drainSecurely(t *testing.T, b *bench, hubEvents int) measure {
	s := b.surround(t, usualPartitions)
	return s.drain(t, hubEvents, harness.Settings{"EHUBNAMESPACECONNECTIONSTRING": s.hub.Secure})
}

func drainIntoFalco(t *testing.T, b *bench, hubEvents int) measure {
	s := b.surround(t, usualPartitions)
	s.sink = startPart(t, nil, b.falco)
	m := s.drain(t, hubEvents, nil)
	m.posts, m.batch = math.NaN(), math.NaN() // the plugin does not count these
	return m
}

// drain starts a daemon with a backlog.
func (s *surroundings) drain(t *testing.T, hubEvents int, others harness.Settings) measure {
	t.Helper()
	s.fill(t, hubEvents, load.Records)
	hub, sink := costOf(t, s.hub.Process), costOf(t, s.sink.Process)
	d := s.startDaemon(t, others)
	counts := s.sink.await(t, int64(hubEvents*load.Records), d.Process)
	m := s.finished(t, counts, cost{}, hub, sink, d.Process)
	s.assertExactly(t, hubEvents*load.Records, d)
	return m
}

// finished calculates what processes did and used since the given cost.
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

// assertExactly stops the daemons and asserts that no audit event came twice. Work that was done twice gives no valid
// figure.
func (s *surroundings) assertExactly(t *testing.T, events int, daemons ...*harness.Daemon) {
	t.Helper()
	for _, d := range daemons {
		d.Stop(t)
	}
	require.EqualValues(t, events, s.sink.counts(t, "").Events, "each audit event was delivered once")
}

// drainReplicas waits until the replicas share the partitions before it makes the backlog.
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
		s.fill(t, hubEvents, load.Records)
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
