package consumer

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/eventhub/partition"
	"aks-audit-log-go/internal/eventhubtest"
)

// sleepyStore is a store whose listings can be made to hang, as all of a process does that is frozen.
type sleepyStore struct {
	*eventhubtest.Store
	awake chan struct{} // holds something while it is
}

func (s *sleepyStore) ListOwnerships(ctx context.Context) ([]eventhub.Ownership, time.Time, error) {
	<-s.awake
	s.awake <- struct{}{}
	return s.Store.ListOwnerships(ctx)
}

// startAsleep starts a reader of a partition that has delivered "a" and has not looked at the
// ownerships for two minutes since.
func startAsleep(t *testing.T) (b *eventhubtest.Bench, store *sleepyStore, stop func()) {
	t.Helper()
	b = eventhubtest.NewBench(1)
	store = &sleepyStore{Store: b.Store, awake: make(chan struct{}, 1)}
	store.awake <- struct{}{}
	stop = startConsumerOn(t, b, b.Hub, store)
	b.Hub.Append("0", eventhubtest.OneEach("a")...)
	b.Sink.Await(1)
	<-store.awake
	time.Sleep(2 * time.Minute)
	return b, store, stop
}

func TestAReaderThatDidNotLookForLongPostsNothingOfAPartitionThatIsNoLongerItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, store, stop := startAsleep(t)
		b.Store.GiveTo("another", "0", b.Store.Now())
		b.Hub.Append("0", eventhubtest.OneEach("b")...)
		synctest.Wait()
		assert.Equal(t, []string{"a"}, b.Sink.All(), "posted before it has looked")
		store.awake <- struct{}{}
		time.Sleep(balanceInterval)
		assert.Equal(t, []string{"a"}, b.Sink.All(), "posted after it has seen that the partition has another owner")
		stop()
	})
}

func TestAReaderThatDidNotLookForLongGoesOnWithWhatIsStillItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, store, stop := startAsleep(t)
		b.Hub.Append("0", eventhubtest.OneEach("b", "c")...)
		store.awake <- struct{}{}
		assert.Equal(t, []string{"a", "b", "c"}, b.Sink.Await(3))
		stop()
	})
}

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

func TestVigilWaitsForTheRoundThatBeganInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &partition.Fence{}
		require.NoError(t, v.Await(t.Context()), "nothing is owned before the first round")
		began := time.Now()
		v.Kept(began)
		time.Sleep(partition.VigilTime - time.Nanosecond)
		require.NoError(t, v.Await(t.Context()))
		time.Sleep(time.Nanosecond)
		done := make(chan error, 1)
		go func() { done <- v.Await(t.Context()) }()
		synctest.Wait()
		v.Kept(began) // a round that was frozen itself
		synctest.Wait()
		assert.Empty(t, done)
		v.Kept(time.Now())
		require.NoError(t, <-done)
	})
}

func TestVigilEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &partition.Fence{}
		v.Kept(time.Now())
		time.Sleep(partition.VigilTime)
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() {
			cancel(eventhub.ErrDisplaced)
			v.Kept(time.Now()) // the round that found it lost ends afterwards
		})
		require.ErrorIs(t, v.Await(ctx), eventhub.ErrDisplaced)
	})
}

func TestTheNextRoundComesWhenTheFirstOwnershipExpires(t *testing.T) {
	for name, test := range map[string]struct {
		listed []eventhub.Ownership
		want   time.Duration
	}{
		"nobody else":                  {owned("me", 50*time.Second, "0"), eventhub.OwnershipExpiry},
		"one who has given up":         {owned("", 50*time.Second, "0"), eventhub.OwnershipExpiry},
		"one who renews":               {owned("b", 5*time.Second, "0"), 55 * time.Second},
		"a dead one and one who lives": {append(owned("b", 5*time.Second, "0"), owned("c", 57*time.Second, "1")...), 3 * time.Second},
		"one who expires at once":      {owned("b", 59900*time.Millisecond, "0"), time.Second},
		"one who has expired":          {owned("b", 2*time.Minute, "0"), eventhub.OwnershipExpiry},
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
