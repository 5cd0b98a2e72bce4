package e2e

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/e2e/harness"
)

// Another owner takes partition 0 while its first audit event is being posted. It takes the link, the ownership and
// the checkpoint.
func TestAPartitionWhoseLinkIsStolenIsLeftAtOnceAndItsCheckpointIsNotTouched(t *testing.T) {
	t.Parallel()
	for _, client := range []string{harness.CurrentClient, harness.LegacyClient} {
		t.Run(client, func(t *testing.T) {
			t.Parallel()
			hub, g, c := harness.StartHub(t, 2), harness.StartGate(t), harness.NewBlobs(t)
			fed := harness.NewFeed(hub)
			d := harness.StartDaemon(t, harness.BlobSettings(t, hub, c, g.URL).With(harness.Settings{
				"EVENTHUBCLIENT": client, "CHECKPOINTINTERVAL": "100ms", "POSTBATCHMAXEVENTS": "1",
			}))
			d.AwaitMetric(t, harness.PartitionsOwned, 2)
			g.HoldAnswers()
			fed.AddEvents(t, "0", harness.AuditEvent("0", 0), harness.AuditEvent("0", 1))
			harness.Wait(t, func() bool { return len(g.Posted()) == 1 }, "the partition posts the first of its two")

			c.Add(t, harness.OwnershipPath+"0", map[string]string{"ownerid": "another"})
			theirs := map[string]string{"sequencenumber": "0", "offset": hub.Partition("0").LastOffset}
			c.Add(t, harness.CheckpointPath+"0", theirs)
			require.Equal(t, 1, hub.StealLinks("0"))
			d.AwaitMetric(t, harness.PartitionsOwned, 1) // although the sink has not answered yet
			harness.Wait(t, func() bool { return d.Output.Contains("partition lost to another reader") }, "the log says so")

			g.Release()
			fed.Add(t, 3, 2)
			harness.Wait(t, func() bool { return len(g.PostedOf(t, "1")) == 6 }, "the other partition goes on")
			// Only the renewal in the next round could still undo the other owner's claim.
			renewed := c.Renewals(t, "1")
			harness.Wait(t, func() bool { return c.Renewals(t, "1") != renewed }, "another balancing round")
			assert.Len(t, g.PostedOf(t, "0"), 1, "nothing but what was in flight")
			assert.Equal(t, theirs, c.Metadata(t)[harness.CheckpointPath+"0"])
			d.Stop(t)
			assert.Equal(t, theirs, c.Metadata(t)[harness.CheckpointPath+"0"], "nor did the stop touch it")
			assert.Equal(t, "another", c.Metadata(t)[harness.OwnershipPath+"0"]["ownerid"])
			assert.Len(t, g.PostedOf(t, "0"), 1)
		})
	}
}
