package eventhub

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	logtest "github.com/sirupsen/logrus/hooks/test"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/forwarder"
)

// slowStore makes an update at once but answers late, as a storage account far away does.
type slowStore struct {
	*memoryStore
	answerTime time.Duration
}

func (s *slowStore) UpdateCheckpoint(ctx context.Context, checkpoint Checkpoint) (Checkpoint, error) {
	written, err := s.memoryStore.UpdateCheckpoint(ctx, checkpoint)
	select {
	case <-ctx.Done():
		return Checkpoint{}, ctx.Err()
	case <-time.After(s.answerTime):
		return written, err
	}
}

func newCheckpointer(store CheckpointStore) *checkpointer {
	log, _ := logtest.NewNullLogger()
	return &checkpointer{
		store: store, interval: time.Second, log: log,
		stats:  forwarder.NewStatistics(prometheus.NewRegistry(), "test", time.Now),
		stored: Checkpoint{Partition: "0", Sequence: noSequence},
	}
}

// stopAmidAWrite runs a checkpointer, stops it while its first write waits for the answer, and
// returns how long it took to end from there.
func stopAmidAWrite(t *testing.T, c *checkpointer) time.Duration {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	c.advance(Event{Sequence: 1})
	go func() { ended <- c.run(ctx) }()
	<-time.After(c.interval) // the bubble's clock
	synctest.Wait()
	began := time.Now()
	cancel()
	require.NoError(t, <-ended)
	return time.Since(began)
}

func TestAStopAmidAWriteLetsTheLastCheckpointBeWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &slowStore{memoryStore: newMemoryStore(), answerTime: farewellTimeout / 2}
		c := newCheckpointer(store)
		assert.Equal(t, store.answerTime, stopAmidAWrite(t, c))
		c.advance(Event{Sequence: 2})
		require.NoError(t, c.flush(t.Context()), "nobody else has moved the checkpoint")
		last, _ := store.checkpoint("0")
		assert.Equal(t, int64(2), last.Sequence)
	})
}

// forgetfulStore makes an update and loses its answer, as often as it is told to.
type forgetfulStore struct {
	*memoryStore
	lose int
}

func (s *forgetfulStore) UpdateCheckpoint(ctx context.Context, checkpoint Checkpoint) (Checkpoint, error) {
	written, err := s.memoryStore.UpdateCheckpoint(ctx, checkpoint)
	if err == nil && s.lose > 0 {
		s.lose--
		return Checkpoint{}, errors.New("no answer")
	}
	return written, err
}

func TestAWriteWhoseAnswerWasLostIsNoLostRace(t *testing.T) {
	store := &forgetfulStore{memoryStore: newMemoryStore(), lose: 2}
	c := newCheckpointer(store)
	for sequence := range int64(4) {
		c.advance(Event{Sequence: sequence, Offset: "o"})
		err := c.flush(t.Context())
		assert.Equal(t, sequence < 2, err != nil)
		require.NotErrorIs(t, err, ErrLostRace)
	}
	last, _ := store.checkpoint("0")
	assert.Equal(t, int64(3), last.Sequence)
}

func TestAnyOfTheWritesWithoutAnAnswerMayBeTheOneThatWasMade(t *testing.T) {
	store := &forgetfulStore{memoryStore: newMemoryStore(), lose: 1}
	c := newCheckpointer(store)
	c.advance(Event{Sequence: 1})
	require.Error(t, c.flush(t.Context()), "made, and its answer lost")
	store.fail(errors.New("503"))
	c.advance(Event{Sequence: 2})
	require.Error(t, c.flush(t.Context()), "not made")
	store.fail(nil)
	c.advance(Event{Sequence: 3})
	require.NoError(t, c.flush(t.Context()))
}

// The store may be away for days, while events go on being delivered.
func TestALongOutageOfTheStoreTakesNoMoreMemoryTheLongerItLasts(t *testing.T) {
	store := &forgetfulStore{memoryStore: newMemoryStore(), lose: 1}
	c := newCheckpointer(store)
	c.advance(Event{Sequence: 0})
	require.Error(t, c.flush(t.Context()), "made, and its answer lost")
	store.fail(errors.New("503"))
	for sequence := range int64(5 * maxUnsure) {
		c.advance(Event{Sequence: sequence / 2})
		require.Error(t, c.flush(t.Context()))
	}
	assert.LessOrEqual(t, len(c.unsure), maxUnsure)
	store.fail(nil)
	require.NoError(t, c.flush(t.Context()), "the first one is remembered")
}

func TestTheLastWriteOfALongOutageMayBeTheOneThatWasMade(t *testing.T) {
	store := &forgetfulStore{memoryStore: newMemoryStore()}
	c := newCheckpointer(store)
	store.fail(errors.New("503"))
	for sequence := range int64(2 * maxUnsure) {
		c.advance(Event{Sequence: sequence})
		require.Error(t, c.flush(t.Context()))
	}
	store.fail(nil)
	store.lose = 1
	c.advance(Event{Sequence: 2 * maxUnsure})
	require.Error(t, c.flush(t.Context()), "made, and its answer lost")
	c.advance(Event{Sequence: 2*maxUnsure + 1})
	require.NoError(t, c.flush(t.Context()))
}

func TestARaceLostAfterALostAnswerIsStillLost(t *testing.T) {
	store := &forgetfulStore{memoryStore: newMemoryStore(), lose: 1}
	c := newCheckpointer(store)
	c.advance(Event{Sequence: 1})
	require.Error(t, c.flush(t.Context()))
	store.move("0", 7)
	c.advance(Event{Sequence: 2})
	require.ErrorIs(t, c.flush(t.Context()), ErrLostRace)
	last, _ := store.checkpoint("0")
	assert.Equal(t, int64(7), last.Sequence)
}

func TestAStopDoesNotWaitForAStoreThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCheckpointer(&slowStore{memoryStore: newMemoryStore(), answerTime: time.Hour})
		assert.Equal(t, farewellTimeout, stopAmidAWrite(t, c))
	})
}
