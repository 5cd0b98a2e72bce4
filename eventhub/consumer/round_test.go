package consumer

import (
	"context"
	"errors"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/internal/eventhubtest"
)

func TestAStoreThatIsAwayKeepsNobodyFromDelivering(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewBench(1)
		stop := startConsumer(t, b)
		b.Hub.Append("0", eventhubtest.OneEach("a")...)
		b.Sink.Await(1)
		b.Store.Fail(errors.New("away"))
		time.Sleep(10 * time.Minute)
		began := time.Now()
		b.Hub.Append("0", eventhubtest.OneEach("b")...)
		b.Sink.Await(2)
		assert.Zero(t, time.Since(began))
		b.Store.Fail(nil)
		time.Sleep(balanceInterval)
		stop()
	})
}

// countedClaims counts what is written to the ownerships.
type countedClaims struct {
	eventhub.Store
	claims atomic.Int64
}

func (s *countedClaims) Claim(ctx context.Context, ownership eventhub.Ownership) (eventhub.Ownership, error) {
	s.claims.Add(1)
	return s.Store.Claim(ctx, ownership)
}

// Storage bills each write, also on a night without events.
func TestAnOwnershipIsRenewedEvery20SecondsSoThatIdlePartitionsCostLittle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const partitions, hours = 32, 1
		b := eventhubtest.NewBench(partitions)
		store := &countedClaims{Store: b.Store}
		stop := startConsumerOn(t, b, b.Hub, store)
		time.Sleep(time.Minute)
		before := store.claims.Load()
		oldest := time.Duration(0)
		for range hours * 3600 {
			time.Sleep(time.Second)
			listed, now, err := b.Store.ListOwnerships(t.Context())
			require.NoError(t, err)
			for _, ownership := range listed {
				oldest = max(oldest, now.Sub(ownership.Renewed))
			}
		}
		assert.Less(t, float64(store.claims.Load()-before)/(hours*60), 96.0, "writes a minute")
		assert.LessOrEqual(t, oldest, eventhub.OwnershipExpiry/2+time.Second, "two renewals may fail before another replica takes the partition")
		stop()
	})
}

// slowClaims answers each claim after answerTime, as a distant storage does.
type slowClaims struct {
	eventhub.Store
	answerTime time.Duration
}

func (s slowClaims) Claim(ctx context.Context, ownership eventhub.Ownership) (eventhub.Ownership, error) {
	time.Sleep(s.answerTime) // the bubble's clock
	return s.Store.Claim(ctx, ownership)
}

func TestTheFirstOfManyPartitionsStartWhileTheOthersAreClaimed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const partitions, answerTime = 32, time.Second
		b := eventhubtest.NewBench(partitions)
		for partition := range partitions {
			b.Hub.Append(strconv.Itoa(partition), eventhubtest.OneEach(strconv.Itoa(partition))...)
		}
		began := time.Now()
		stop := startConsumerOn(t, b, b.Hub, slowClaims{b.Store, answerTime})
		b.Sink.Await(claimsAtOnce)
		assert.Equal(t, answerTime, time.Since(began))
		b.Sink.Await(partitions)
		assert.Equal(t, partitions/claimsAtOnce*answerTime, time.Since(began))
		stop()
	})
}

func TestTheNextRoundComesWhenTheFirstOwnershipExpires(t *testing.T) {
	for name, test := range map[string]struct {
		listed []eventhub.Ownership
		want   time.Duration
	}{
		"nobody else":               {owned("me", 50*time.Second, "0"), eventhub.OwnershipExpiry},
		"one that relinquished":     {owned("", 50*time.Second, "0"), eventhub.OwnershipExpiry},
		"one that renews":           {owned("b", 5*time.Second, "0"), 55 * time.Second},
		"a dead one and a live one": {append(owned("b", 5*time.Second, "0"), owned("c", 57*time.Second, "1")...), 3 * time.Second},
		"one that expires at once":  {owned("b", 59900*time.Millisecond, "0"), time.Second},
		"one that has expired":      {owned("b", 2*time.Minute, "0"), eventhub.OwnershipExpiry},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, test.want, untilExpiry(test.listed, "me", eventhubtest.Noon))
		})
	}
}

func TestADeadReadersPartitionIsTakenAsSoonAsItsOwnershipExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewBench(1)
		b.Store.GiveTo("dead", "0", b.Store.Now())
		began := time.Now()
		stop := startConsumer(t, b)
		b.Hub.Append("0", eventhubtest.OneEach("a")...)
		b.Sink.Await(1)
		assert.InDelta(t, eventhub.OwnershipExpiry.Seconds(), time.Since(began).Seconds(), 1)
		stop()
	})
}
