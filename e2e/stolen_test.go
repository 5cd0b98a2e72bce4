package e2e

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// postedOf are the audit events of a partition that were posted, in the order in which they came.
func (g *gate) postedOf(t *testing.T, partition string) []string {
	t.Helper()
	return perPartition(t, g.posted())[partition]
}

// Another owner takes partition 0 while its first audit event is being posted: the link is stolen,
// and ownership and checkpoint are the other's.
func TestAPartitionWhoseLinkIsStolenIsLeftAtOnceAndItsCheckpointIsNotTouched(t *testing.T) {
	t.Parallel()
	for _, client := range []string{newClient, oldClient} {
		t.Run(client, func(t *testing.T) {
			t.Parallel()
			hub, g, c := startHub(t, 2), startGate(t), newContainer(t)
			fed := newFeed(hub)
			d := startDaemon(t, blobSettings(t, hub, c, g.URL).with(settings{
				"EVENTHUBCLIENT": client, "CHECKPOINTINTERVAL": "100ms", "POSTBATCHMAXEVENTS": "1",
			}))
			d.awaitMetric(t, partitionsOwned, 2)
			g.keepBack()
			fed.add(t, 1, 2)
			eventually(t, func() bool { return len(g.posted()) == 2 }, "each partition posts the first of its two")

			c.add(t, ownershipPath+"0", map[string]string{"ownerid": "another"})
			theirs := map[string]string{"sequencenumber": "0", "offset": hub.Partition("0").LastOffset}
			c.add(t, checkpointPath+"0", theirs)
			require.Equal(t, 1, hub.StealLinks("0"))
			d.awaitMetric(t, partitionsOwned, 1) // though the sink has not answered yet
			eventually(t, func() bool { return d.out.Contains("partition lost to another reader") }, "the log says so")

			g.open()
			fed.add(t, 3, 2)
			eventually(t, func() bool { return len(g.postedOf(t, "1")) == 8 }, "the other partition goes on")
			// Its own renewal, in the next round, is the last thing that could undo the other's claim.
			renewed := c.renewals(t, "1")
			eventually(t, func() bool { return c.renewals(t, "1") != renewed }, "another balancing round")
			assert.Len(t, g.postedOf(t, "0"), 1, "nothing but what was in flight")
			assert.Equal(t, theirs, c.metadata(t)[checkpointPath+"0"])
			d.stop(t)
			assert.Equal(t, theirs, c.metadata(t)[checkpointPath+"0"], "nor did the stop touch it")
			assert.Equal(t, "another", c.metadata(t)[ownershipPath+"0"]["ownerid"])
			assert.Len(t, g.postedOf(t, "0"), 1)
		})
	}
}
