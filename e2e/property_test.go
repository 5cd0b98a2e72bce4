package e2e

import (
	"math/rand/v2"
	"testing"
	"time"

	"aks-audit-log-go/e2e/harness"
)

// These tests use random faults and random events. They show that each audit event gets its verdict (it is delivered,
// or the store has its dead letter), and that each partition is delivered in order. They also show that only appended
// events are delivered, and that no checkpoint passes an event without a verdict.

func TestRandomFaultsOverRandomEventsLoseNothing(t *testing.T) {
	t.Parallel()
	s, dir := harness.NewChaos(t, 3), t.TempDir()
	s.Checker = &harness.StateChecker{State: harness.StateInFolder(dir), Oracle: s.Oracle, Hub: s.Hub}
	s.Fleet = harness.StartFleet(t, harness.RaceBinary(t), s.Oracle, s.Settings(t, harness.Settings{"CHECKPOINTDIR": dir}))
	s.AddFaults(2*chaosPause, func(rng *rand.Rand) []harness.Fault { return harness.HubFaults(s.Hub, rng) })
	s.AddFaults(2*chaosPause, func(*rand.Rand) []harness.Fault { return harness.SinkFaults(s.Sink, s.Oracle) })
	s.AddFaults(8*chaosPause, func(rng *rand.Rand) []harness.Fault { return harness.ProcessFaults(t.Context(), s.Fleet, rng, true) })
	s.Run(t, chaosTime, 20*time.Millisecond)
	s.AssertNothingLost(t)
}

func TestRandomFaultsOverReplicasThatShareBlobsLoseNothing(t *testing.T) {
	t.Parallel()
	s := harness.NewChaos(t, 4)
	s.StartReplicas(t, harness.RaceBinary(t), nil)
	s.AddReplicaFaults(t, chaosPause, chaosKills)
	s.Run(t, chaosTime, 20*time.Millisecond)
	s.AssertNothingLost(t)
}
