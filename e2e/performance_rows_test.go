//go:build bench && linux

package e2e

import (
	"fmt"
	"testing"
	"time"

	"aks-audit-log-go/e2e/bench/load"
	"aks-audit-log-go/e2e/harness"
)

// These are the sections of the benchmark, in the order in which they run.
const (
	sectionLimits       = "limits"
	sectionDrain        = "drain"
	sectionShapes       = "shapes"
	sectionFalco        = "falco"
	sectionPredecessors = "predecessors"
	sectionLatency      = "latency"
	sectionIdle         = "idle"
	sectionStart        = "start"
	sectionEnds         = "ends"
	sectionEvents       = "events"
	sectionPartitions   = "partitions"
	sectionReplicas     = "replicas"
	sectionSlow         = "slow"
	sectionLimited      = "limited"
)

var sections = []string{
	sectionLimits, sectionDrain, sectionShapes, sectionFalco, sectionPredecessors, sectionLatency, sectionIdle,
	sectionStart, sectionEnds, sectionEvents, sectionPartitions, sectionReplicas, sectionSlow, sectionLimited,
}

const (
	// usualPartitions is how many partitions the hub has, unless a row says otherwise.
	usualPartitions = 4
	// listEvents is how many audit events an EventList of the limits contains at most.
	listEvents = 400
	// manyPartitions is the largest number of partitions of a hub of the Standard tier.
	manyPartitions = 32
	// idleFor is how long a daemon without work is measured. The measurement goes on until the next renewal of the
	// ownerships.
	idleFor = 90 * time.Second
	// busySink is how long a sink that does some work for each POST takes to answer.
	busySink = 3 * time.Millisecond
	// slowDelay is how long the slow sink takes to answer. slowFor is how long it is measured.
	slowDelay = time.Second
	slowFor   = 15 * time.Second
	// steadyFor is how long a steady load is measured, after steadyWarmUp.
	steadyFor    = 15 * time.Second
	steadyWarmUp = 2 * time.Second
	quietEvents  = 20
	// limitedRate is RATELIMITEREVENTSPERSECONDS of the limited daemon. limitedFor is how long it is measured.
	limitedRate = 400
	limitedFor  = 30 * time.Second
)

// These are the names of the rows to which others are compared.
const (
	rowStraight     = "straight loop, no guarantees"
	rowStraightBest = "straight loop, no guarantees, GOGC=800"
	rowDrain        = "this daemon, defaults"
	rowSingle       = "1 audit event a hub event"
	rowFalco        = "this daemon into Falco's plugin"
	rowFalcoRaw     = "load generator into Falco's plugin"
	rowSteady       = "1,000/s, 22 audit events a hub event"
	rowSteadySingle = "1,000/s, 1 audit event a hub event"
	rowIdle         = "idle, 4 partitions"
	rowIdleMany     = "idle, 32 partitions"
	rowStop         = "stop at 1,000/s"
	rowKill         = "kill at 1,000/s"
	rowPartitions   = "4 partitions"
	rowMany         = "32 partitions"
	rowLimited      = "RATELIMITEREVENTSPERSECONDS=400"
)

// allRows returns the rows of all sections.
func allRows() []*benchRow {
	rows := []*benchRow{
		{section: sectionLimits, name: rowStraight, drains: true, measure: limit("straight", plainAMQP)},
		{section: sectionLimits, name: rowStraightBest, drains: true, measure: limit("straight", plainAMQP, "GOGC=800")},
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
		{section: sectionLatency, name: rowSteadySingle, measure: steady(1, time.Millisecond)},
		{
			section: sectionLatency, name: fmt.Sprintf("%s, a sink that takes %s a POST", rowSteadySingle, busySink),
			measure: steady(1, time.Millisecond, "-delay", busySink.String()),
		},
		{section: sectionLatency, name: "now and then one", measure: quiet},
		{section: sectionIdle, name: rowIdle, once: true, measure: idle(usualPartitions)},
		{section: sectionIdle, name: rowIdleMany, once: true, measure: idle(manyPartitions)},
		{section: sectionEnds, name: rowStop, measure: ending(stopped)},
		{section: sectionEnds, name: rowKill, measure: ending(killed)},
		{section: sectionSlow, name: fmt.Sprintf("sink that takes %s a POST", slowDelay), measure: slowSink},
		{section: sectionLimited, name: rowLimited, measure: limited},
	}
	rows = append(rows, shapeRows()...)
	rows = append(rows, startRows()...)
	for _, times := range []float64{1, 2, 3, 4} {
		rows = append(rows, &benchRow{
			section: sectionEvents, name: fmt.Sprintf("backlog × %v", times), drains: true, usual: times, measure: drain(nil),
		})
	}
	for _, partitions := range []int{1, 2, usualPartitions, 8, 16, manyPartitions} {
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

// shapeRows returns the rows with unusual hub events.
func shapeRows() []*benchRow {
	shapes := []struct {
		name       string
		partitions int
		shape      load.Shape
	}{
		{rowSingle, usualPartitions, load.Shape{Records: 1}},
		{"500 audit events a hub event", usualPartitions, load.Shape{Records: 500}},
		{"audit events of 16 KB, 22 a hub event", usualPartitions, load.Shape{Records: load.Records, Size: 16 << 10}},
		{"every second record of another category", usualPartitions, load.Shape{Records: load.Records, Mixed: true}},
		{"usual hub events in 32 partitions", manyPartitions, usualShape},
	}
	var rows []*benchRow
	for _, s := range shapes {
		rows = append(rows, &benchRow{
			section: sectionShapes, name: s.name, drains: true, short: true, perHubEvent: s.shape.AuditEvents(),
			measure: drainShape(s.partitions, s.shape),
		})
	}
	return rows
}

// startRows returns the rows that measure starts. All of them have the same goal.
func startRows() []*benchRow {
	kinds := []struct {
		name   string
		others func(*testing.T, *surroundings) harness.Settings
	}{{"files", withFiles}, {"blobs", withBlobs}, {"blobs and TLS", withTLS}}
	var rows []*benchRow
	for _, partitions := range []int{usualPartitions, manyPartitions} {
		for _, kind := range kinds {
			rows = append(rows, &benchRow{
				section: sectionStart, name: fmt.Sprintf("%s, %d partitions", kind.name, partitions), measure: startToFirst(partitions, kind.others),
			})
		}
	}
	return rows
}

func some(n int, what string) string {
	if n > 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

// asPredecessors returns settings with which the daemon works like its predecessors, with a POST for each audit event,
// and a checkpoint for each hub event. Variables that this version does not have are ignored.
func asPredecessors(keepAlive string) harness.Settings {
	return harness.Settings{
		"POSTBATCHMAXEVENTS": "1", "KEEPALIVE": keepAlive, "CHECKPOINTINTERVAL": "1ms",
		"POSTFAILUREPOLICY": "drop", "SINKREPLAY": "off", "SINKSETTLETIME": "0s",
	}
}
