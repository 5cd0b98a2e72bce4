package deadletters

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/stretchr/testify/assert"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/forwarder/health"
)

// gatedStore holds each request until the test releases it, and counts them.
type gatedStore struct {
	gate chan struct{}

	mu             sync.Mutex
	underWay, most int
	objects        [][]eventhub.DeadLetter
}

func (s *gatedStore) StoreDeadLetters(ctx context.Context, letters []eventhub.DeadLetter) error {
	s.count(1)
	defer s.count(-1)
	select {
	case <-s.gate:
	case <-ctx.Done():
		return ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.objects = append(s.objects, letters)
	return nil
}

// stored returns the objects that were stored.
func (s *gatedStore) stored() [][]eventhub.DeadLetter {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.objects)
}

func (s *gatedStore) count(more int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.underWay += more
	s.most = max(s.most, s.underWay)
}

// newPartitions starts count partitions whose dead letters wait up to a limit. It counts the reserved bytes.
func newPartitions(t *testing.T, store eventhub.DeadLetterStore, limit, count int, reserved *int) (
	partitions []*Partition, abandon func(),
) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	shared := NewShared(store, health.NewHealth(), limit, Memory{
		Reserve: func(bytes int) { *reserved += bytes }, Release: func(bytes int) { *reserved -= bytes },
	})
	for id := range count {
		p := New(strconv.Itoa(id), shared, logrus.New())
		p.Start(ctx, ctx)
		partitions = append(partitions, p)
	}
	return partitions, func() {
		cancel()
		for _, p := range partitions {
			p.Close()
		}
	}
}

func dead(sequence int64, bytes int) eventhub.DeadLetter {
	return eventhub.DeadLetter{Sequence: sequence, Reason: "cut", Content: make([]byte, bytes)}
}

func TestSixteenDeadLettersAreStoredAtATimeOverAllPartitions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, reserved := &gatedStore{gate: make(chan struct{})}, 0
		partitions, abandon := newPartitions(t, store, 1<<20, 3, &reserved)
		var hold Hold
		for sequence := range int64(30) {
			for _, p := range partitions {
				assert.True(t, p.Store(t.Context(), &hold, dead(sequence, 10), func(bool) {}))
			}
		}
		synctest.Wait()
		store.mu.Lock()
		assert.Equal(t, maxStoring, store.most)
		store.mu.Unlock()
		assert.False(t, hold.Stored())
		close(store.gate)
		synctest.Wait()
		assert.Equal(t, maxStoring, store.most)
		assert.Len(t, store.stored(), 90)
		assert.True(t, hold.Stored())
		assert.Zero(t, reserved)
		abandon()
	})
}

func TestManyOfOneReasonAreGatheredForFiveSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, reserved := &gatedStore{gate: make(chan struct{})}, 0
		close(store.gate)
		partitions, abandon := newPartitions(t, store, 1<<20, 1, &reserved)
		var hold Hold
		began := time.Now()
		for sequence := range int64(singly + 50) {
			partitions[0].Store(t.Context(), &hold, dead(sequence, 10), func(bool) {})
		}
		partitions[0].Store(t.Context(), &hold, eventhub.DeadLetter{Sequence: 1000, Reason: "refused"}, func(bool) {})
		synctest.Wait()
		assert.Len(t, store.stored(), singly+1, "another reason has its own hundred")
		time.Sleep(gatherTime) // the bubble's clock
		synctest.Wait()
		assert.True(t, hold.Stored(), fmt.Sprint(time.Since(began)))
		assert.Len(t, store.stored()[singly+1], 50)
		time.Sleep(singlyInterval) // the bubble's clock
		partitions[0].Store(t.Context(), &hold, dead(2000, 10), func(bool) {})
		synctest.Wait()
		assert.Len(t, store.stored(), singly+3, "a minute later they are stored singly again")
		abandon()
	})
}

func TestAPartitionWithoutDeadLettersIsLetInBeforeOneThatIsFlooded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, reserved := &gatedStore{gate: make(chan struct{})}, 0
		partitions, abandon := newPartitions(t, store, 10_000, 3, &reserved)
		flooded, other, third := partitions[0], partitions[1], partitions[2]
		var hold Hold
		assert.True(t, flooded.TryStore(&hold, dead(0, 10_000), func(bool) {}))
		assert.False(t, flooded.TryStore(&hold, dead(1, 10), func(bool) {}))
		assert.True(t, flooded.TryStore(&hold, dead(0, 10_000), func(bool) {}), "it waits already")
		assert.True(t, other.TryStore(&hold, dead(0, 10_000), func(bool) {}))
		assert.False(t, third.TryStore(&hold, dead(0, 10), func(bool) {}), "but all of them are bounded")
		assert.Equal(t, 2*(10_000+overhead), reserved)
		go func() {
			time.Sleep(time.Second) // the bubble's clock
			close(store.gate)
		}()
		assert.True(t, third.Store(t.Context(), &hold, dead(0, 10), func(bool) {}), "once there is room")
		third.Await(t.Context())
		synctest.Wait()
		assert.True(t, hold.Stored())
		abandon()
		assert.Zero(t, reserved)
	})
}

func TestWhatIsAbandonedReleasesItsMemoryAndNotItsHold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, reserved := &gatedStore{gate: make(chan struct{})}, 0
		partitions, abandon := newPartitions(t, store, 1<<20, 1, &reserved)
		var hold Hold
		for sequence := range int64(singly + 50) {
			partitions[0].Store(t.Context(), &hold, dead(sequence, 10), func(bool) {})
		}
		synctest.Wait()
		abandon()
		assert.Zero(t, reserved)
		assert.False(t, hold.Stored())
		assert.Empty(t, store.stored())
	})
}
