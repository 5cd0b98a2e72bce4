package e2e

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/e2e/harness"
	"aks-audit-log-go/internal/hubtest"
)

// ownershipExpiry is how long a dead replica keeps its partitions.
const ownershipExpiry = 60 * time.Second

// startReplicas starts two daemons, and waits until they share four partitions.
func startReplicas(t *testing.T, hub *hubtest.Server, c harness.Blobs, sinkURL string) (a, b *harness.Daemon) {
	t.Helper()
	environ := harness.BlobSettings(t, hub, c, sinkURL).With(harness.Settings{"CHECKPOINTINTERVAL": "500ms"})
	a = harness.StartDaemon(t, environ)
	b = harness.StartDaemon(t, environ.With(harness.Settings{"STATSADDRESS": harness.FreeAddress(t)}))
	harness.Wait(t, func() bool {
		return a.Metric(t, harness.PartitionsOwned) == 2 && b.Metric(t, harness.PartitionsOwned) == 2
	}, "two replicas own two partitions each")
	return a, b
}

func TestAReplicaTakesOverFromOneThatWasKilled(t *testing.T) {
	t.Parallel()
	hub, f, c := harness.StartHub(t, 4), harness.StartFalco(t), harness.NewBlobs(t)
	fed := harness.NewFeed(hub)
	a, b := startReplicas(t, hub, c, f.URL)

	fed.Add(t, 10, 3)
	f.Await(t, fed.Total())
	half := float64(fed.Total() / 2)
	a.AwaitMetric(t, harness.VerdictSeries("delivered"), half)
	b.AwaitMetric(t, harness.VerdictSeries("delivered"), half)
	// Its checkpoints are written, so nothing is redelivered after the kill.
	harness.Wait(t, func() bool { return harness.CaughtUp(t, hub, c) }, "the checkpoints stand at the last events")
	a.Kill(t)

	fed.Add(t, 10, 3)
	b.AwaitMetric(t, harness.PartitionsOwned, 4)
	f.Await(t, fed.Total())
	fed.Add(t, 10, 3)
	f.Await(t, fed.Total())
	b.Stop(t)
	harness.AssertCaughtUp(t, hub, c)
	fed.AssertOnceInOrder(t, f.SeenJSON())
}

func TestAReplicaTakesOverAtOnceFromOneThatWasStopped(t *testing.T) {
	t.Parallel()
	hub, f, c := harness.StartHub(t, 4), harness.StartFalco(t), harness.NewBlobs(t)
	fed := harness.NewFeed(hub)
	a, b := startReplicas(t, hub, c, f.URL)

	fed.Add(t, 10, 3)
	f.Await(t, fed.Total())
	a.Stop(t)
	name := readerName.FindStringSubmatch(a.Output.String())
	require.NotNil(t, name)
	owners, err := harness.StateInBlobs{Blobs: c}.Owners(t.Context())
	require.NoError(t, err)
	for partition, owner := range owners {
		assert.NotEqual(t, name[1], owner, "partition %s was relinquished, not left to expire", partition)
	}
	fed.Add(t, 10, 3)
	b.AwaitMetric(t, harness.PartitionsOwned, 4)
	f.Await(t, fed.Total())
	b.Stop(t)
	fed.AssertOnceInOrder(t, f.SeenJSON())
}

func TestAReplicaThatJoinsWhileEventsFlowCostsNone(t *testing.T) {
	t.Parallel()
	hub, f, c := harness.StartHub(t, 4), harness.StartFalco(t), harness.NewBlobs(t)
	fed := harness.NewFeed(hub)
	environ := harness.BlobSettings(t, hub, c, f.URL).With(harness.Settings{"CHECKPOINTINTERVAL": "500ms"})
	a := harness.StartDaemon(t, environ)
	fed.Add(t, 10, 3)
	a.AwaitMetric(t, harness.PartitionsOwned, 4)
	b := harness.StartDaemon(t, environ.With(harness.Settings{"STATSADDRESS": harness.FreeAddress(t)}))
	harness.Wait(t, func() bool {
		fed.Add(t, 1, 3)
		return a.Metric(t, harness.PartitionsOwned) == 2 && b.Metric(t, harness.PartitionsOwned) == 2
	}, "the new replica has its half of the partitions")
	harness.Wait(t, func() bool { return harness.Distinct(f.SeenJSON()) == fed.Total() }, "all audit events have arrived")
	a.Stop(t)
	b.Stop(t)
	fed.AssertAllInOrder(t, f.SeenJSON())
}
