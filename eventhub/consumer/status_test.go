package consumer

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/forwarder/audit"
	"aks-audit-log-go/forwarder/status"
	"aks-audit-log-go/internal/eventhubtest"
)

func TestTheStatusFollowsTheConsumer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewBench(2)
		b.Hub.Append("0", eventhubtest.OneEach("a", "b", "c")...)
		b.Hub.Append("0", eventhubtest.HubBody(eventhubtest.AuditRecord("guard", "not ours")), []byte(`{"category":"kube-audit" oops`))
		stop := startConsumer(t, b)
		b.Sink.Await(3)
		time.Sleep(time.Second) // the bubble's clock
		shown := b.Status()
		require.Len(t, shown.Partitions, 2)
		busy, quiet := shown.Partitions[0], shown.Partitions[1]
		assert.Equal(t, status.PartitionHere, busy.State)
		assert.Equal(t, b.Store.Owner("0"), busy.Owner)
		assert.Equal(t, shown.Replica, busy.Owner)
		assert.Equal(t, int64(4), *busy.Position)
		assert.Equal(t, int64(0), *busy.LagEvents)
		want := map[audit.Verdict]int64{audit.Delivered: 3, audit.Skipped: 1, audit.DeadLettered: 1, audit.Dropped: 0}
		assert.Equal(t, want, busy.Records)
		assert.Equal(t, want, shown.Records)
		assert.Equal(t, status.PartitionHere, quiet.State)
		assert.Nil(t, quiet.Position, "nothing was read from it")

		stop()
		assert.Equal(t, status.PartitionGivenUp, b.Status().Partitions[0].State)
	})
}

func TestAReplicaSaysWhichPartitionsAnotherOwns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := eventhubtest.NewBench(2), eventhubtest.NewBench(2)
		stopA := startConsumer(t, a)
		stopB := startConsumerOn(t, b, b.Hub, a.Store)
		time.Sleep(2 * time.Minute) // the bubble's clock: both have had their rounds
		shown := b.Status()
		assert.Equal(t, status.StateForwarding, shown.State)
		states := map[string]int{}
		for _, p := range shown.Partitions {
			states[p.State]++
			assert.Equal(t, a.Store.Owner(p.ID), p.Owner)
		}
		assert.Equal(t, map[string]int{status.PartitionHere: 1, status.PartitionElsewhere: 1}, states)
		stopB()
		stopA()
	})
}
