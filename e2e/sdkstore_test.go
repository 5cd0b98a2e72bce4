package e2e

import (
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azeventhubs/v2"
	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azeventhubs/v2/checkpoints"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/e2e/harness"
)

// Azure's own checkpoint store has to read our checkpoints, although they have a key that only we write.
func TestAzuresOwnStoreReadsTheCheckpoints(t *testing.T) {
	t.Parallel()
	hub, s, c := harness.StartHub(t, 2), harness.StartSink(t), harness.NewBlobs(t)
	fed := harness.NewFeed(hub)
	fed.Add(t, 4, 1)
	d := harness.StartDaemon(t, harness.BlobSettings(t, hub, c, s.URL))
	s.Await(t, fed.Total())
	d.Stop(t)
	harness.AssertCaughtUp(t, hub, c)

	client, err := container.NewClientFromConnectionString(harness.SharedAzurite(t).ConnectionString(), c.Name, nil)
	require.NoError(t, err)
	store, err := checkpoints.NewBlobStore(client, nil)
	require.NoError(t, err)
	names := strings.Split(strings.TrimSuffix(harness.CheckpointPath, "/checkpoint/"), "/")
	read, err := store.ListCheckpoints(t.Context(), names[0], names[1], names[2], nil)
	require.NoError(t, err)
	var want []azeventhubs.Checkpoint
	for _, partition := range hub.PartitionIDs() {
		last := hub.Partition(partition)
		want = append(want, azeventhubs.Checkpoint{
			FullyQualifiedNamespace: names[0], EventHubName: names[1], ConsumerGroup: names[2], PartitionID: partition,
			SequenceNumber: &last.LastSequence, Offset: &last.LastOffset,
		})
	}
	assert.ElementsMatch(t, want, read)
}
