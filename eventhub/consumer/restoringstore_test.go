package consumer

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/internal/eventhubtest"
)

const (
	checkpointDeleted = "the checkpoint was deleted from the storage: written again, no event is lost or repeated; find out what deletes it"
	ownershipDeleted  = "the ownership was deleted from the storage: writing it again; find out what deletes it"
)

func TestADeletedCheckpointIsWrittenAgainByTheOwner(t *testing.T) {
	for name, bench := range map[string]func(int) *eventhubtest.Bench{"earliest": eventhubtest.NewBench, "latest": newLatestBench} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := bench(1)
				stop := startConsumer(t, b)
				synctest.Wait()
				b.Hub.Append("0", eventhubtest.OneEach("a", "b")...)
				b.Sink.Await(2)
				time.Sleep(2 * b.Cfg.CheckpointInterval)
				b.Store.DeleteCheckpoint("0")
				b.Hub.Append("0", eventhubtest.OneEach("c")...)
				time.Sleep(2 * balanceInterval)
				assert.Equal(t, []string{"a", "b", "c"}, b.Sink.AuditIDs())
				assert.Equal(t, int64(2), b.Sequence())
				assert.Equal(t, 1, b.LogCount(logrus.WarnLevel, checkpointDeleted))
				assert.Zero(t, b.LogCount(logrus.InfoLevel, "partition lost to another reader"))
				stop()
			})
		})
	}
}

func TestADeletedCheckpointOfAQuietPartitionIsWrittenAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newLatestBench(1)
		b.Hub.Append("0", eventhubtest.OneEach("old")...)
		stop := startConsumer(t, b)
		time.Sleep(time.Minute)
		b.Store.DeleteCheckpoint("0")
		time.Sleep(5 * time.Minute)
		assert.Equal(t, int64(0), b.Sequence())
		stop()
	})
}

func TestACheckpointIsNotWrittenAgainIfAnotherReplicaOwnsThePartition(t *testing.T) {
	store := eventhubtest.NewStore()
	mine, err := store.UpdateCheckpoint(t.Context(), eventhub.Checkpoint{Partition: "0", Sequence: 4})
	require.NoError(t, err)
	log := eventhubtest.NewBench(1).Log
	restoring := restoringStore{Store: store, ownerID: "me", log: log}
	store.Delete("0")
	store.GiveTo("another", "0", time.Now())
	_, err = restoring.UpdateCheckpoint(t.Context(), mine)
	require.ErrorIs(t, err, eventhub.ErrConflict)
	_, found := store.Checkpoint("0")
	assert.False(t, found)

	store.GiveTo("me", "0", time.Now())
	mine, err = restoring.UpdateCheckpoint(t.Context(), mine)
	require.NoError(t, err)
	store.Delete("0")
	store.MoveCheckpoint("0", 9)
	_, err = restoring.UpdateCheckpoint(t.Context(), mine)
	require.ErrorIs(t, err, eventhub.ErrConflict, "another has written its own")
}

func TestReplicasKeepTheirPartitionsWhenEverythingInTheStoreIsDeleted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newLatestBench(8)
		stopFirst := startConsumer(t, b)
		stopSecond := startConsumer(t, b)
		time.Sleep(time.Minute)
		before := b.Store.PartitionsByOwner()
		require.Len(t, before, 2)
		for n := range 5 {
			b.Store.Delete(eventhubtest.PartitionIDs(8)...)
			for _, partition := range eventhubtest.PartitionIDs(8) {
				b.Hub.Append(partition, eventhubtest.OneEach(fmt.Sprint(partition, "/", n))...)
			}
			time.Sleep(37 * time.Second)
			assert.Equal(t, before, b.Store.PartitionsByOwner())
		}
		assert.Len(t, b.Sink.AuditIDs(), 40, "each once")
		assert.Equal(t, 40, b.LogCount(logrus.WarnLevel, checkpointDeleted))
		assert.Equal(t, 40, b.LogCount(logrus.WarnLevel, ownershipDeleted))
		stopFirst()
		stopSecond()
	})
}

func TestTheDeletedOwnershipOfADeadReplicaExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewBench(1)
		b.Store.GiveTo("dead", "0", b.Store.Now())
		stop := startConsumer(t, b)
		synctest.Wait()
		b.Store.Delete("0")
		began := time.Now()
		b.Hub.Append("0", eventhubtest.OneEach("a")...)
		b.Sink.Await(1)
		assert.InDelta(t, eventhub.OwnershipExpiry.Seconds(), time.Since(began).Seconds(), 1)
		stop()
	})
}

// The other replica has not yet listed an ownership that is deleted, so nothing tells it who reads the partition.
func TestAPartitionThatWasClaimedJustBeforeItsOwnershipWasDeletedIsLeftToItsOwner(t *testing.T) {
	deleted := deletedOwnerships{seen: map[string]eventhub.Ownership{}}
	c := &Consumer{deleted: deleted, ownerID: "me", owned: map[string]*ownedPartition{"1": {}}, log: eventhubtest.NewBench(1).Log}
	mine := eventhub.Ownership{Partition: "1", Owner: "me", Version: "v2"}
	c.withDeleted([]eventhub.Ownership{{Partition: "0", Version: "v1"}, mine})
	wanted := []eventhub.Ownership{{Partition: "0", Owner: "me"}, mine}
	assert.Equal(t, wanted, c.claimable(wanted))

	listed := c.withDeleted(nil)
	mine.Version = ""
	assert.Equal(t, []eventhub.Ownership{mine}, listed)
	assert.Equal(t, listed, c.claimable([]eventhub.Ownership{{Partition: "0", Owner: "me"}, mine}))
	began := c.deleted.until
	assert.Equal(t, listed, c.withDeleted(nil))
	assert.Equal(t, began, c.deleted.until, "the time is not prolonged while nobody writes it again")
}
