package eventhub

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// sleepyStore is a store whose listings can be made to hang, as all of a process does that is frozen.
type sleepyStore struct {
	*memoryStore
	awake chan struct{} // holds something while it is
}

func (s *sleepyStore) ListOwnerships(ctx context.Context) ([]Ownership, time.Time, error) {
	<-s.awake
	s.awake <- struct{}{}
	return s.memoryStore.ListOwnerships(ctx)
}

// startAsleep starts a reader of a partition that has delivered "a" and has not looked at the
// ownerships for two minutes since.
func startAsleep(t *testing.T) (b *bench, store *sleepyStore, stop func()) {
	t.Helper()
	b = newBench(1)
	store = &sleepyStore{memoryStore: b.store, awake: make(chan struct{}, 1)}
	store.awake <- struct{}{}
	stop = b.startOn(t, b.hub, store)
	b.hub.append("0", oneEach("a")...)
	b.sink.await(1)
	<-store.awake
	time.Sleep(2 * time.Minute)
	return b, store, stop
}

func TestAReaderThatDidNotLookForLongPostsNothingOfAPartitionThatIsNoLongerItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, store, stop := startAsleep(t)
		b.store.giveTo("another", "0", b.store.now())
		b.hub.append("0", oneEach("b")...)
		synctest.Wait()
		assert.Equal(t, []string{"a"}, b.sink.all(), "posted before it has looked")
		store.awake <- struct{}{}
		time.Sleep(balanceInterval)
		assert.Equal(t, []string{"a"}, b.sink.all(), "posted after it has seen that the partition has another owner")
		stop()
	})
}

func TestAReaderThatDidNotLookForLongGoesOnWithWhatIsStillItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, store, stop := startAsleep(t)
		b.hub.append("0", oneEach("b", "c")...)
		store.awake <- struct{}{}
		assert.Equal(t, []string{"a", "b", "c"}, b.sink.await(3))
		stop()
	})
}

func TestAStoreThatIsAwayKeepsNobodyFromDelivering(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(1)
		stop := b.start(t)
		b.hub.append("0", oneEach("a")...)
		b.sink.await(1)
		b.store.fail(errors.New("away"))
		time.Sleep(10 * time.Minute)
		began := time.Now()
		b.hub.append("0", oneEach("b")...)
		b.sink.await(2)
		assert.Zero(t, time.Since(began))
		b.store.fail(nil)
		time.Sleep(balanceInterval)
		stop()
	})
}

func TestVigilWaitsForTheRoundThatBeganInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &vigil{}
		require.NoError(t, v.await(t.Context()), "nothing is owned before the first round")
		began := time.Now()
		v.kept(began)
		time.Sleep(vigilTime - time.Nanosecond)
		require.NoError(t, v.await(t.Context()))
		time.Sleep(time.Nanosecond)
		done := make(chan error, 1)
		go func() { done <- v.await(t.Context()) }()
		synctest.Wait()
		v.kept(began) // a round that was frozen itself
		synctest.Wait()
		assert.Empty(t, done)
		v.kept(time.Now())
		require.NoError(t, <-done)
	})
}

func TestVigilEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &vigil{}
		v.kept(time.Now())
		time.Sleep(vigilTime)
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() {
			cancel(ErrDisplaced)
			v.kept(time.Now()) // the round that found it lost ends afterwards
		})
		require.ErrorIs(t, v.await(ctx), ErrDisplaced)
	})
}

func TestTheNextRoundComesWhenTheFirstOwnershipExpires(t *testing.T) {
	for name, test := range map[string]struct {
		listed []Ownership
		want   time.Duration
	}{
		"nobody else":                  {owned("me", 50*time.Second, "0"), ownershipExpiry},
		"one who has given up":         {owned("", 50*time.Second, "0"), ownershipExpiry},
		"one who renews":               {owned("b", 5*time.Second, "0"), 55 * time.Second},
		"a dead one and one who lives": {append(owned("b", 5*time.Second, "0"), owned("c", 57*time.Second, "1")...), 3 * time.Second},
		"one who expires at once":      {owned("b", 59900*time.Millisecond, "0"), time.Second},
		"one who has expired":          {owned("b", 2*time.Minute, "0"), ownershipExpiry},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, test.want, untilExpiry(test.listed, "me", noon))
		})
	}
}

func TestADeadReadersPartitionIsTakenAsSoonAsItsOwnershipExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(1)
		b.store.giveTo("dead", "0", b.store.now())
		began := time.Now()
		stop := b.start(t)
		b.hub.append("0", oneEach("a")...)
		b.sink.await(1)
		assert.InDelta(t, ownershipExpiry.Seconds(), time.Since(began).Seconds(), 1)
		stop()
	})
}
