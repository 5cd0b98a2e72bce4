package e2e

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/e2e/harness"
)

// exchanges returns both ways to replace one client of EVENTHUBCLIENT by the other.
func exchanges() map[string][2]string {
	return map[string][2]string{
		harness.LegacyClient + " by " + harness.CurrentClient: {harness.LegacyClient, harness.CurrentClient},
		harness.CurrentClient + " by " + harness.LegacyClient: {harness.CurrentClient, harness.LegacyClient},
	}
}

// replica starts another daemon with this client and otherwise the same settings.
func replica(t *testing.T, environ harness.Settings, client string) *harness.Daemon {
	t.Helper()
	return harness.StartDaemon(t, environ.With(harness.Settings{
		"EVENTHUBCLIENT": client, "STATSADDRESS": harness.FreeAddress(t), "LOGLEVEL": "info", "CHECKPOINTINTERVAL": "500ms",
	}))
}

// awaitHalves waits until two replicas own two of the four partitions each.
func awaitHalves(t *testing.T, a, b *harness.Daemon) {
	t.Helper()
	harness.Wait(t, func() bool {
		return a.Metric(t, harness.PartitionsOwned) == 2 && b.Metric(t, harness.PartitionsOwned) == 2
	}, "two replicas own two partitions each")
}

func TestTheClientIsExchangedByARestartWithoutARepeat(t *testing.T) {
	t.Parallel()
	hub, s, c := harness.StartHub(t, 4), harness.StartSink(t), harness.NewBlobs(t)
	environ, fed := harness.BlobSettings(t, hub, c, s.URL), harness.NewFeed(hub)
	load := harness.StartFeedLoop(t, fed, 20*time.Millisecond)
	for _, client := range []string{harness.LegacyClient, harness.CurrentClient, harness.LegacyClient, harness.CurrentClient} {
		d := replica(t, environ, client)
		d.AwaitMetric(t, harness.PartitionsOwned, 4)
		harness.AwaitDeliveries(t, d)
		d.Stop(t)
	}
	load.End()
	last := replica(t, environ, harness.LegacyClient)
	harness.Wait(t, func() bool { return harness.CaughtUp(t, hub, c) }, "the checkpoints stand at the last events")
	last.Stop(t)
	fed.AssertOnceInOrder(t, s.Accepted())
}

// A replica that joins takes partitions from a busy one, and may redeliver events that the busy one was handling.
// Nothing else may be redelivered.
func TestARollingUpdateExchangesTheClients(t *testing.T) {
	t.Parallel()
	for name, clients := range exchanges() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hub, s, c := harness.StartHub(t, 4), harness.StartSink(t), harness.NewBlobs(t)
			environ, fed := harness.BlobSettings(t, hub, c, s.URL), harness.NewFeed(hub)
			load := harness.StartFeedLoop(t, fed, 20*time.Millisecond)
			before, after := clients[0], clients[1]
			a, b := replica(t, environ, before), replica(t, environ, before)
			awaitHalves(t, a, b)
			harness.AwaitDeliveries(t, a)

			a.Stop(t)
			a = replica(t, environ, after)
			awaitHalves(t, a, b) // one of each client at the same time
			harness.AwaitDeliveries(t, a)
			b.Stop(t)
			b = replica(t, environ, after)
			awaitHalves(t, a, b)
			harness.AwaitDeliveries(t, b)

			load.End()
			harness.Wait(t, func() bool { return harness.CaughtUp(t, hub, c) }, "the checkpoints stand at the last events")
			a.Stop(t)
			b.Stop(t)
			fed.AssertAllInOrder(t, s.Accepted())
		})
	}
}

func TestAKilledReplicaIsReplacedByOneWithTheOtherClient(t *testing.T) {
	t.Parallel()
	for name, clients := range exchanges() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hub, s, c := harness.StartHub(t, 4), harness.StartSink(t), harness.NewBlobs(t)
			environ, fed := harness.BlobSettings(t, hub, c, s.URL), harness.NewFeed(hub)
			load := harness.StartFeedLoop(t, fed, 50*time.Millisecond)
			killed, other := replica(t, environ, clients[0]), replica(t, environ, clients[1])
			awaitHalves(t, killed, other)
			harness.AwaitDeliveries(t, killed)

			killed.Kill(t)
			passed, err := harness.StateInBlobs{Blobs: c}.Checkpoints(t.Context())
			require.NoError(t, err)
			for _, partition := range hub.PartitionIDs() {
				if other.Metric(t, `aks_audit_log_partition_owned{partition="`+partition+`"}`) == 1 {
					// If it took the partition from the killed one, it may have started before that one's last
					// checkpoint.
					delete(passed, partition)
				}
			}
			before := len(s.Accepted())
			successor := replica(t, environ, clients[1])
			awaitHalves(t, successor, other)
			harness.AwaitDeliveries(t, successor)

			load.End()
			harness.Wait(t, func() bool { return harness.CaughtUp(t, hub, c) }, "the checkpoints stand at the last events")
			successor.Stop(t)
			other.Stop(t)
			fed.AssertAllInOrder(t, s.Accepted())
			for partition, events := range harness.PerPartition(t, s.Accepted()[before:]) {
				at, found := passed[partition]
				if !found {
					at = -1 // it was killed before its first checkpoint, or the partition was the other one's
				}
				for _, event := range fed.Sent[partition][:harness.EventsPerLoop*(at+1)] {
					assert.NotContains(t, events, event, "what the checkpoint had passed at the kill came again")
				}
			}
		})
	}
}
