package consumer

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/internal/eventhubtest"
)

// After an outage of the storage, all ownerships look expired, because no replica could renew. The first replica that
// lists them must not take the partitions that the others still read.
func TestReplicasKeepTheirPartitionsThroughAnOutageOfTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewBench(4)
		stopFirst := startConsumer(t, b)
		stopSecond := startConsumer(t, b)
		time.Sleep(5 * balanceInterval)
		before := b.Store.PartitionsByOwner()
		assert.Len(t, before, 2)
		b.Store.Fail(errors.New("503"))
		time.Sleep(10 * time.Minute)
		for i := range 40 {
			b.Hub.Append(eventhubtest.PartitionIDs(4)[i%4], eventhubtest.OneEach(fmt.Sprint(i))...)
		}
		b.Sink.Await(40)
		b.Store.Fail(nil)
		time.Sleep(5 * balanceInterval)
		assert.Equal(t, before, b.Store.PartitionsByOwner())
		stopFirst()
		stopSecond()
		assert.Len(t, b.Sink.AuditIDs(), 40, "each once")
	})
}

func TestAReplicaThatDiedInAnOutageOfTheStoreIsReplacedSoonAfterIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewBench(4)
		b.Store.GiveTo("dead", "0", time.Now())
		stop := startConsumer(t, b)
		time.Sleep(5 * time.Second)
		b.Store.Fail(errors.New("503"))
		time.Sleep(10 * time.Minute)
		assert.Equal(t, "dead", b.Store.Owner("0"))
		b.Store.Fail(nil)
		time.Sleep(outageGrace + 2*balanceInterval)
		assert.NotEqual(t, "dead", b.Store.Owner("0"))
		stop()
	})
}

func TestAShortFailureOfTheStoreDoesNotDelayTakingOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewBench(4)
		b.Store.GiveTo("dead", "0", time.Now())
		stop := startConsumer(t, b)
		time.Sleep(eventhub.OwnershipExpiry - 5*time.Second)
		b.Store.Fail(errors.New("503"))
		time.Sleep(4 * time.Second)
		b.Store.Fail(nil)
		time.Sleep(2 * balanceInterval)
		assert.NotEqual(t, "dead", b.Store.Owner("0"))
		stop()
	})
}

func TestOwnershipsAreJudgedByTheClockOfTheStore(t *testing.T) {
	for name, skew := range map[string]time.Duration{"hours ahead of ours": 5 * time.Hour, "hours behind ours": -5 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := eventhubtest.NewBench(4)
				b.Store.Now = func() time.Time { return time.Now().Add(skew) }
				stopFirst := startConsumer(t, b)
				stopSecond := startConsumer(t, b)
				time.Sleep(5 * balanceInterval)
				before := b.Store.PartitionsByOwner()
				assert.Len(t, before, 2)
				time.Sleep(time.Hour)
				assert.Equal(t, before, b.Store.PartitionsByOwner())
				stopFirst()
				time.Sleep(2 * balanceInterval)
				assert.Len(t, b.Store.PartitionsByOwner(), 1, "the other has taken over")
				stopSecond()
			})
		})
	}
}
