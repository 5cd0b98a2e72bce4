package e2e

import (
	"math/rand/v2"
	"testing"
	"time"
)

// What these tests say of every trouble and every event, whichever come: each audit event gets its
// verdict (it is delivered, or a dead letter stands in the store), what is delivered comes in order for each
// partition, nothing is delivered that was not there, and no checkpoint ever passes an event without a verdict.

func TestRandomFaultsOverRandomEventsLoseNothing(t *testing.T) {
	t.Parallel()
	s, dir := newStorm(t, 3), t.TempDir()
	s.auditor = &auditor{books: folderBooks(dir), ledger: s.ledger, hub: s.hub}
	s.fleet = startFleet(t, daemonBinary(t), s.ledger, s.environ(t, settings{"CHECKPOINTDIR": dir}))
	s.addRow(2*stormPause, func(rng *rand.Rand) []trouble { return hubTroubles(s.hub, rng) })
	s.addRow(2*stormPause, func(*rand.Rand) []trouble { return sinkTroubles(s.sink, s.ledger) })
	s.addRow(8*stormPause, func(rng *rand.Rand) []trouble { return processTroubles(t.Context(), s.fleet, rng, true) })
	s.rage(t, stormTime, 20*time.Millisecond)
	s.assertNothingLost(t)
}

func TestRandomFaultsOverReplicasThatShareBlobsLoseNothing(t *testing.T) {
	t.Parallel()
	s := newStorm(t, 4)
	s.replicas(t, daemonBinary(t), nil)
	s.stormOfReplicas(t, stormPause, stormKills)
	s.rage(t, stormTime, 20*time.Millisecond)
	s.assertNothingLost(t)
}

// replicas starts two that share a container, behind a proxy.
func (s *storm) replicas(t *testing.T, binary string, others settings) {
	t.Helper()
	c, proxy := newContainer(t), startMoodyStorage(t)
	s.storage = proxy
	s.auditor = &auditor{books: blobBooks{c}, ledger: s.ledger, hub: s.hub}
	environ := s.environ(t, settings{
		"BLOBSTORAGECONNECTIONSTRING": proxy.connectionString(t), "BLOBCONTAINERNAME": c.name,
	}).with(others)
	s.fleet = startFleet(t, binary, s.ledger, environ, environ.with(settings{"STATSADDRESS": freeAddress(t)}))
}

// stormOfReplicas adds all kinds of troubles. The pauses between them are multiples of pause.
func (s *storm) stormOfReplicas(t *testing.T, pause time.Duration, kills bool) {
	t.Helper()
	s.addRow(4*pause, func(rng *rand.Rand) []trouble { return hubTroubles(s.hub, rng) })
	s.addRow(4*pause, func(*rand.Rand) []trouble { return sinkTroubles(s.sink, s.ledger) })
	s.addRow(4*pause, func(*rand.Rand) []trouble { return storageTroubles(s.storage) })
	s.addRow(20*pause, func(rng *rand.Rand) []trouble { return processTroubles(t.Context(), s.fleet, rng, kills) })
}
