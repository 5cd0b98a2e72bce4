package eventhub

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/forwarder"
)

// status is what the status page would show of the bench's consumer.
func (b *bench) status() forwarder.Status {
	return forwarder.NewOverview(b.cfg, b.stats, b.health, forwarder.NewTroubles(), time.Now).Status()
}

func TestTheStatusFollowsTheConsumer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(2)
		b.hub.append("0", oneEach("a", "b", "c")...)
		b.hub.append("0", hubBody(auditRecord("guard", "not ours")), []byte("not JSON"))
		stop := b.start(t)
		b.sink.await(3)
		time.Sleep(time.Second) // the bubble's clock
		status := b.status()
		require.Len(t, status.Partitions, 2)
		busy, quiet := status.Partitions[0], status.Partitions[1]
		assert.Equal(t, forwarder.PartitionHere, busy.State)
		assert.Equal(t, b.store.owner("0"), busy.Owner)
		assert.Equal(t, status.Replica, busy.Owner)
		assert.Equal(t, int64(4), *busy.Position)
		assert.Equal(t, int64(0), *busy.LagEvents)
		want := map[forwarder.Verdict]int64{forwarder.Delivered: 3, forwarder.Skipped: 1, forwarder.DeadLettered: 1, forwarder.Dropped: 0}
		assert.Equal(t, want, busy.Records)
		assert.Equal(t, want, status.Records)
		assert.Equal(t, forwarder.PartitionHere, quiet.State)
		assert.Nil(t, quiet.Position, "nothing was read from it")

		stop()
		assert.Equal(t, forwarder.PartitionGivenUp, b.status().Partitions[0].State)
	})
}

func TestAPartitionOfNothingButCopiesIsSeenAtWorkAndIsNotBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(2)
		b.hub.append("0", of(all, audit("a")))
		stop := b.start(t)
		b.sink.await(1)
		b.hub.append("1", of(admin, audit("a")))
		time.Sleep(time.Second) // the bubble's clock
		assert.Equal(t, 1.0, b.copiesPassedOver(t))
		copies := b.status().Partitions[1]
		assert.Equal(t, int64(1), copies.Records[forwarder.Skipped])
		require.NotNil(t, copies.AgeSeconds, "AksAuditLogFarBehind would take it for hours behind")
		stop()
	})
}

func TestAReplicaSaysWhichPartitionsAnotherOwns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := newBench(2), newBench(2)
		stopA := a.start(t)
		stopB := b.startOn(t, b.hub, a.store)
		time.Sleep(2 * time.Minute) // the bubble's clock: both have had their rounds
		status := b.status()
		assert.Equal(t, forwarder.StateForwarding, status.State)
		states := map[string]int{}
		for _, p := range status.Partitions {
			states[p.State]++
			assert.Equal(t, a.store.owner(p.ID), p.Owner)
		}
		assert.Equal(t, map[string]int{forwarder.PartitionHere: 1, forwarder.PartitionElsewhere: 1}, states)
		stopB()
		stopA()
	})
}
