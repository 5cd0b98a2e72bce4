package e2e

import (
	"testing"

	"github.com/Azure/azure-storage-blob-go/azblob"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/e2e/harness"
	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/eventhub/storage"
	"aks-audit-log-go/forwarder"
)

// The tests in this file use the daemon's blob store directly, on real blob storage. They test races between replicas,
// which cannot be caused from outside the process.

// openStore opens the store of a consumer group in c, as a replica does.
func openStore(t *testing.T, c harness.Blobs, group string) eventhub.Store {
	t.Helper()
	cfg, err := forwarder.Load([]string{
		"EHUBNAMESPACECONNECTIONSTRING=Endpoint=sb://MyNS.servicebus.windows.net/;SharedAccessKeyName=listen;SharedAccessKey=c2VjcmV0",
		"EVENTHUBNAME=Insights-Logs", "EVENTHUBCONSUMERGROUP=" + group, "WEBSINKURL=http://127.0.0.1/",
		"BLOBSTORAGECONNECTIONSTRING=" + harness.SharedAzurite(t).ConnectionString(), "BLOBCONTAINERNAME=" + c.Name,
	})
	require.NoError(t, err)
	store, err := storage.Open(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	return store
}

// openMadeStore creates the container of a store, and opens the store.
func openMadeStore(t *testing.T, c harness.Blobs, group string) eventhub.Store {
	t.Helper()
	store := openStore(t, c, group)
	_, _, err := store.ListOwnerships(t.Context())
	require.NoError(t, err)
	return store
}

const storePath = "myns.servicebus.windows.net/insights-logs/$default/"

func TestAMissingContainerIsMade(t *testing.T) {
	t.Parallel()
	c := harness.NewBlobs(t)
	listed, now, err := openStore(t, c, "$Default").ListOwnerships(t.Context())
	require.NoError(t, err)
	assert.Empty(t, listed)
	assert.False(t, now.IsZero(), "the service's clock")
	_, err = c.URL.GetProperties(t.Context(), azblob.LeaseAccessConditions{})
	require.NoError(t, err)
}

func TestOfTwoReplicasThatClaimAPartitionOneWins(t *testing.T) {
	t.Parallel()
	c := harness.NewBlobs(t)
	a, b := openStore(t, c, "$Default"), openStore(t, c, "$Default")
	_, _, err := a.ListOwnerships(t.Context())
	require.NoError(t, err)

	won, err := a.Claim(t.Context(), eventhub.Ownership{Partition: "0", Owner: "a"})
	require.NoError(t, err)
	_, err = b.Claim(t.Context(), eventhub.Ownership{Partition: "0", Owner: "b"})
	require.ErrorIs(t, err, eventhub.ErrConflict)

	listed, now, err := b.ListOwnerships(t.Context())
	require.NoError(t, err)
	require.Len(t, listed, 1)
	assert.Equal(t, "a", listed[0].Owner)
	assert.WithinDuration(t, now, listed[0].Renewed, harness.WaitLimit)

	// b takes the partition over with the version that it listed. a's renewal has an older version, and is then
	// refused.
	stolen := listed[0]
	stolen.Owner = "b"
	stolen, err = b.Claim(t.Context(), stolen)
	require.NoError(t, err)
	_, err = a.Claim(t.Context(), won)
	require.ErrorIs(t, err, eventhub.ErrConflict)

	stolen.Owner = ""
	_, err = b.Claim(t.Context(), stolen)
	require.NoError(t, err)
	listed, _, err = a.ListOwnerships(t.Context())
	require.NoError(t, err)
	require.Len(t, listed, 1)
	assert.Empty(t, listed[0].Owner, "relinquished")
}

// The SDK repeats a renewal whose answer was lost. The repetition finds the ETag that the first one has set.
func TestAClaimThatHadWorkedAlreadyIsWon(t *testing.T) {
	t.Parallel()
	c := harness.NewBlobs(t)
	store := openMadeStore(t, c, "$Default")
	claim := eventhub.Ownership{Partition: "0", Owner: "a"}
	first, err := store.Claim(t.Context(), claim)
	require.NoError(t, err)
	again, err := store.Claim(t.Context(), claim)
	require.NoError(t, err)
	assert.Equal(t, first, again)

	again.Owner = ""
	_, err = store.Claim(t.Context(), again)
	require.NoError(t, err)
	_, err = store.Claim(t.Context(), again)
	require.NoError(t, err, "relinquishing twice is the same")
}

func TestADisplacedReplicaCannotMoveACheckpoint(t *testing.T) {
	t.Parallel()
	c := harness.NewBlobs(t)
	old, successor := openStore(t, c, "$Default"), openStore(t, c, "$Default")
	_, _, err := old.ListOwnerships(t.Context())
	require.NoError(t, err)
	mine, err := old.UpdateCheckpoint(t.Context(), eventhub.Checkpoint{Partition: "0", Sequence: 10, Offset: "1000"})
	require.NoError(t, err)

	found, err := successor.ListCheckpoints(t.Context())
	require.NoError(t, err)
	require.Len(t, found, 1)
	assert.Equal(t, mine, found[0])
	found[0].Sequence, found[0].Offset = 20, "2000"
	_, err = successor.UpdateCheckpoint(t.Context(), found[0])
	require.NoError(t, err)

	mine.Sequence, mine.Offset = 11, "1100"
	_, err = old.UpdateCheckpoint(t.Context(), mine)
	require.ErrorIs(t, err, eventhub.ErrConflict)
	assert.Equal(t, map[string]string{"sequencenumber": "20", "offset": "2000"}, c.Metadata(t)[storePath+"checkpoint/0"])
}

// A deleted record was not changed by another replica. Its owner decides whether to write it again.
func TestADeletedRecordIsToldFromOneThatAnotherHasChanged(t *testing.T) {
	t.Parallel()
	c := harness.NewBlobs(t)
	store := openMadeStore(t, c, "$Default")
	checkpoint, err := store.UpdateCheckpoint(t.Context(), eventhub.Checkpoint{Partition: "0", Sequence: 3})
	require.NoError(t, err)
	ownership, err := store.Claim(t.Context(), eventhub.Ownership{Partition: "0", Owner: "a"})
	require.NoError(t, err)
	deleteBlob(t, c, storePath+"checkpoint/0")
	deleteBlob(t, c, storePath+"ownership/0")

	checkpoint.Sequence = 4
	_, err = store.UpdateCheckpoint(t.Context(), checkpoint)
	require.ErrorIs(t, err, eventhub.ErrNotFound)
	_, err = store.Claim(t.Context(), ownership)
	require.ErrorIs(t, err, eventhub.ErrNotFound)

	_, err = c.URL.Delete(t.Context(), azblob.ContainerAccessConditions{})
	require.NoError(t, err)
	_, err = store.UpdateCheckpoint(t.Context(), checkpoint)
	require.ErrorContains(t, err, "404 ContainerNotFound")
	require.NotErrorIs(t, err, eventhub.ErrNotFound, "a missing container is no missing checkpoint")
	require.NotErrorIs(t, err, eventhub.ErrConflict)
}

func TestTheFirstPartitionsAreRememberedOnce(t *testing.T) {
	t.Parallel()
	c := harness.NewBlobs(t)
	a, b := openStore(t, c, "$Default"), openStore(t, c, "$Default")
	_, _, err := a.ListOwnerships(t.Context())
	require.NoError(t, err)
	for _, store := range []eventhub.Store{a, b, a} {
		remembered, failure := store.RememberPartitions(t.Context(), []string{"0", "1"})
		require.NoError(t, failure)
		assert.Equal(t, []string{"0", "1"}, remembered)
	}
	remembered, err := b.RememberPartitions(t.Context(), []string{"0", "1", "2"})
	require.NoError(t, err)
	assert.Equal(t, []string{"0", "1"}, remembered)
	checkpoints, err := b.ListCheckpoints(t.Context())
	require.NoError(t, err)
	assert.Empty(t, checkpoints, "the record is no checkpoint")
}

func TestTheCheckpointThatWasWrittenLastInAnySpellingIsTaken(t *testing.T) {
	t.Parallel()
	c := harness.NewBlobs(t)
	typed := "MyNS.servicebus.windows.net/Insights-Logs/$Default/checkpoint/"
	mixed := "MyNS.servicebus.windows.net/insights-logs/$default/checkpoint/"
	lower := storePath + "checkpoint/"
	c.Put(t, mixed+"0", map[string]string{"sequencenumber": "45", "offset": "4500"})
	for name, metadata := range map[string]map[string]string{
		lower + "0": {"sequencenumber": "40", "offset": ""},
		lower + "1": {"sequencenumber": "7", "offset": ""},
		lower + "2": {"sequencenumber": "rubbish"},
		lower + "3": {},
		lower + "4": {"sequencenumber": "-3", "offset": "x"},
		// These are not ours: another group, another hub, another folder, and a dead letter.
		"myns.servicebus.windows.net/insights-logs/other/checkpoint/5":      {"sequencenumber": "1"},
		"myns.servicebus.windows.net/insights-logs-2/$default/checkpoint/6": {"sequencenumber": "1"},
		storePath + "ownership/7":           {"ownerid": "x"},
		storePath + "deadletter/8/1-0.json": {"sequencenumber": "1"},
	} {
		c.Add(t, name, metadata)
	}
	before := c.Written(t, lower+"0")
	harness.Wait(t, func() bool {
		c.Add(t, typed+"0", map[string]string{"sequencenumber": "42", "offset": "4200"})
		return c.Written(t, typed+"0").After(before)
	}, "the storage's clock has gone on by a second")
	store := openStore(t, c, "$Default")
	found, err := store.ListCheckpoints(t.Context())
	require.NoError(t, err)
	positions := map[string]eventhub.Checkpoint{}
	for _, checkpoint := range found {
		positions[checkpoint.Partition] = checkpoint
	}
	assert.Len(t, positions, 5)
	assert.Equal(t, int64(42), positions["0"].Sequence)
	assert.Equal(t, "4200", positions["0"].Offset)
	assert.Equal(t, int64(7), positions["1"].Sequence)
	for _, rubbish := range []string{"2", "3", "4"} {
		assert.Equal(t, int64(-1), positions[rubbish].Sequence, "nothing read yet")
	}

	// A write uses the canonical spelling, whether or not that blob exists.
	next := positions["0"]
	next.Sequence, next.Offset = 51, "5100"
	_, err = store.UpdateCheckpoint(t.Context(), next)
	require.NoError(t, err)
	blobs := c.Metadata(t)
	assert.Equal(t, map[string]string{"sequencenumber": "51", "offset": "5100"}, blobs[lower+"0"])
	assert.Equal(t, "42", blobs[typed+"0"]["sequencenumber"])
}

func TestACheckpointWithoutAnOffsetCanBeWritten(t *testing.T) {
	t.Parallel()
	c := harness.NewBlobs(t)
	store := openMadeStore(t, c, "$Default")
	first, err := store.UpdateCheckpoint(t.Context(), eventhub.Checkpoint{Partition: "0", Sequence: 3})
	require.NoError(t, err)
	first.Sequence = 4
	_, err = store.UpdateCheckpoint(t.Context(), first)
	require.NoError(t, err)
	found, err := store.ListCheckpoints(t.Context())
	require.NoError(t, err)
	require.Len(t, found, 1)
	assert.Equal(t, int64(4), found[0].Sequence)
	assert.Empty(t, found[0].Offset)
}

func TestManyCheckpointsAndDeadLettersAreListedPageByPage(t *testing.T) {
	t.Parallel()
	c := harness.NewBlobs(t)
	store := openMadeStore(t, c, "$Default")
	for sequence := range int64(40) {
		require.NoError(t, store.StoreDeadLetters(t.Context(), []eventhub.DeadLetter{{Partition: "0", Sequence: sequence, Content: []byte("x")}}))
		require.NoError(t, store.StoreDeadLetters(t.Context(), []eventhub.DeadLetter{{Partition: "0", Sequence: sequence, Content: []byte("x")}}), "again")
	}
	_, err := store.UpdateCheckpoint(t.Context(), eventhub.Checkpoint{Partition: "0", Sequence: 39})
	require.NoError(t, err)
	found, err := store.ListCheckpoints(t.Context())
	require.NoError(t, err)
	assert.Len(t, found, 1)
	assert.Len(t, c.Metadata(t), 41)
}

func TestStorageErrorsAreShortAndShowNoSecret(t *testing.T) {
	t.Parallel()
	c := harness.NewBlobs(t)
	for name, connection := range map[string]string{
		"wrong key":    "AccountName=" + harness.StorageAccount + ";AccountKey=d3Jvbmc=;BlobEndpoint=" + harness.SharedAzurite(t).Endpoint,
		"wrong SAS":    "SharedAccessSignature=sv=2021-08-06&sig=c2VjcmV0LXNpZ25hdHVyZQ%3D%3D;BlobEndpoint=" + harness.SharedAzurite(t).Endpoint,
		"nobody there": "SharedAccessSignature=sv=2021-08-06&sig=c2VjcmV0LXNpZ25hdHVyZQ%3D%3D;BlobEndpoint=http://" + harness.FreeAddress(t) + "/a",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg, err := forwarder.Load([]string{
				"EHUBNAMESPACECONNECTIONSTRING=Endpoint=sb://a.b/;SharedAccessKeyName=k;SharedAccessKey=c2VjcmV0",
				"EVENTHUBNAME=hub", "WEBSINKURL=http://127.0.0.1/",
				"BLOBSTORAGECONNECTIONSTRING=" + connection, "BLOBCONTAINERNAME=" + c.Name,
			})
			require.NoError(t, err)
			store, err := storage.Open(cfg)
			require.NoError(t, err)
			defer func() { require.NoError(t, store.Close()) }()
			_, _, err = store.ListOwnerships(t.Context())
			require.ErrorContains(t, err, "list ownerships: ")
			assert.Less(t, len(err.Error()), 250, err.Error())
			for _, secret := range []string{"sig=", "c2VjcmV0", "d3Jvbmc", "\n"} {
				assert.NotContains(t, err.Error(), secret)
			}
		})
	}
}
