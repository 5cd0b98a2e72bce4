package e2e

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"aks-audit-log-go/internal/hubtest"
)

// ownershipExpiry is how long the partitions of a dead replica stay its own.
const ownershipExpiry = 60 * time.Second

// startReplicas starts two daemons and waits until they share four partitions.
func startReplicas(t *testing.T, hub *hubtest.Server, c container, sinkURL string) (a, b *daemon) {
	t.Helper()
	environ := blobSettings(t, hub, c, sinkURL).with(settings{"CHECKPOINTINTERVAL": "500ms"})
	a = startDaemon(t, environ)
	b = startDaemon(t, environ.with(settings{"STATSADDRESS": freeAddress(t)}))
	eventually(t, func() bool {
		return a.metric(t, partitionsOwned) == 2 && b.metric(t, partitionsOwned) == 2
	}, "two replicas own two partitions each")
	return a, b
}

func TestAReplicaTakesOverFromOneThatWasKilled(t *testing.T) {
	t.Parallel()
	hub, f, c := startHub(t, 4), startFalco(t), newContainer(t)
	fed := newFeed(hub)
	a, b := startReplicas(t, hub, c, f.url)

	fed.add(t, 10, 3)
	f.await(t, fed.total())
	half := float64(fed.total() / 2)
	a.awaitMetric(t, verdicts("delivered"), half)
	b.awaitMetric(t, verdicts("delivered"), half)
	// With its checkpoints written, the one killed has nothing that would come again.
	eventually(t, func() bool { return caughtUp(t, hub, c) }, "the checkpoints stand at the last events")
	a.kill(t)

	fed.add(t, 10, 3)
	b.awaitMetric(t, partitionsOwned, 4)
	f.await(t, fed.total())
	fed.add(t, 10, 3)
	f.await(t, fed.total())
	b.stop(t)
	assertCaughtUp(t, hub, c)
	fed.assertOnceInOrder(t, f.seenJSON())
}

func TestAReplicaTakesOverAtOnceFromOneThatWasStopped(t *testing.T) {
	t.Parallel()
	hub, f, c := startHub(t, 4), startFalco(t), newContainer(t)
	fed := newFeed(hub)
	a, b := startReplicas(t, hub, c, f.url)

	fed.add(t, 10, 3)
	f.await(t, fed.total())
	a.stop(t)
	stopped := time.Now()
	fed.add(t, 10, 3)
	b.awaitMetric(t, partitionsOwned, 4)
	assert.Less(t, time.Since(stopped), ownershipExpiry/2, "the partitions were given up, not left to expire")
	f.await(t, fed.total())
	b.stop(t)
	fed.assertOnceInOrder(t, f.seenJSON())
}

func TestAReplicaThatJoinsWhileEventsFlowCostsNone(t *testing.T) {
	t.Parallel()
	hub, f, c := startHub(t, 4), startFalco(t), newContainer(t)
	fed := newFeed(hub)
	environ := blobSettings(t, hub, c, f.url).with(settings{"CHECKPOINTINTERVAL": "500ms"})
	a := startDaemon(t, environ)
	fed.add(t, 10, 3)
	a.awaitMetric(t, partitionsOwned, 4)
	b := startDaemon(t, environ.with(settings{"STATSADDRESS": freeAddress(t)}))
	eventually(t, func() bool {
		fed.add(t, 1, 3)
		return a.metric(t, partitionsOwned) == 2 && b.metric(t, partitionsOwned) == 2
	}, "the new replica has its half of the partitions")
	eventually(t, func() bool { return distinct(f.seenJSON()) == fed.total() }, "all audit events have arrived")
	a.stop(t)
	b.stop(t)
	fed.assertAllInOrder(t, f.seenJSON())
}
