package eventhub

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
)

// When the storage comes back after an outage, all ownerships look expired, since nobody could renew
// them: whoever comes first must not take what the others still work on.
func TestReplicasKeepTheirPartitionsThroughAnOutageOfTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(4)
		stopFirst := b.start(t)
		stopSecond := b.start(t)
		time.Sleep(5 * balanceInterval)
		before := b.store.owners()
		assert.Len(t, before, 2)
		b.store.fail(errors.New("503"))
		time.Sleep(10 * time.Minute)
		for i := range 40 {
			b.hub.append(ids(4)[i%4], oneEach(fmt.Sprint(i))...)
		}
		b.sink.await(40)
		b.store.fail(nil)
		time.Sleep(5 * balanceInterval)
		assert.Equal(t, before, b.store.owners())
		stopFirst()
		stopSecond()
		assert.Len(t, b.sink.all(), 40, "each once")
	})
}

func TestAReplicaThatDiedInAnOutageOfTheStoreIsReplacedSoonAfterIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(4)
		b.store.ownerships["0"] = Ownership{Partition: "0", Owner: "dead", Renewed: time.Now(), version: "v"}
		stop := b.start(t)
		time.Sleep(5 * time.Second)
		b.store.fail(errors.New("503"))
		time.Sleep(10 * time.Minute)
		assert.Equal(t, "dead", b.store.owner("0"))
		b.store.fail(nil)
		time.Sleep(outageGrace + 2*balanceInterval)
		assert.NotEqual(t, "dead", b.store.owner("0"))
		stop()
	})
}

func TestAShortFailureOfTheStoreDoesNotDelayTakingOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(4)
		b.store.ownerships["0"] = Ownership{Partition: "0", Owner: "dead", Renewed: time.Now(), version: "v"}
		stop := b.start(t)
		time.Sleep(ownershipExpiry - 5*time.Second)
		b.store.fail(errors.New("503"))
		time.Sleep(4 * time.Second)
		b.store.fail(nil)
		time.Sleep(2 * balanceInterval)
		assert.NotEqual(t, "dead", b.store.owner("0"))
		stop()
	})
}

// owners are who owns each partition.
func (s *memoryStore) owners() map[string][]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	owners := map[string][]string{}
	for _, partition := range ids(len(s.ownerships)) {
		owner := s.ownerships[partition].Owner
		owners[owner] = append(owners[owner], partition)
	}
	return owners
}

func TestOwnershipsAreJudgedByTheClockOfTheStore(t *testing.T) {
	for name, skew := range map[string]time.Duration{"hours ahead of ours": 5 * time.Hour, "hours behind ours": -5 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(4)
				b.store.now = func() time.Time { return time.Now().Add(skew) }
				stopFirst := b.start(t)
				stopSecond := b.start(t)
				time.Sleep(5 * balanceInterval)
				before := b.store.owners()
				assert.Len(t, before, 2)
				time.Sleep(time.Hour)
				assert.Equal(t, before, b.store.owners())
				stopFirst()
				time.Sleep(2 * balanceInterval)
				assert.Len(t, b.store.owners(), 1, "the other has taken over")
				stopSecond()
			})
		})
	}
}
