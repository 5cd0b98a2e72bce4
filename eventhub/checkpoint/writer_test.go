package checkpoint

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

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/forwarder/metrics"
	"aks-audit-log-go/internal/eventhubtest"
)

// slowStore makes an update at once but answers late, like a distant storage account.
type slowStore struct {
	*eventhubtest.Store
	answerTime time.Duration
}

func (s *slowStore) UpdateCheckpoint(ctx context.Context, checkpoint eventhub.Checkpoint) (eventhub.Checkpoint, error) {
	written, err := s.Store.UpdateCheckpoint(ctx, checkpoint)
	select {
	case <-ctx.Done():
		return eventhub.Checkpoint{}, ctx.Err()
	case <-time.After(s.answerTime):
		return written, err
	}
}

func newWriter(store eventhub.CheckpointStore) *Writer {
	log, _ := logtest.NewNullLogger()
	stats := metrics.NewStatistics(prometheus.NewRegistry(), "test", time.Now)
	return New("0", store, time.Second, eventhub.CloseTimeout, stats.Partition("0"), log)
}

// stopAmidAWrite stops a writer while its first write waits for the answer. It returns how long the writer then took
// to end.
func stopAmidAWrite(t *testing.T, w *Writer) time.Duration {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	w.Advance(eventhub.Position{Sequence: 1})
	go func() { ended <- w.Run(ctx) }()
	<-time.After(w.interval) // the bubble's clock
	synctest.Wait()
	began := time.Now()
	cancel()
	require.NoError(t, <-ended)
	return time.Since(began)
}

func TestAStopAmidAWriteLetsTheLastCheckpointBeWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &slowStore{Store: eventhubtest.NewStore(), answerTime: eventhub.CloseTimeout / 2}
		w := newWriter(store)
		assert.Equal(t, store.answerTime, stopAmidAWrite(t, w))
		w.Advance(eventhub.Position{Sequence: 2})
		require.NoError(t, w.Flush(t.Context()), "nobody else has moved the checkpoint")
		last, _ := store.Checkpoint("0")
		assert.Equal(t, int64(2), last.Sequence)
	})
}

// silentStore makes every update, but the next answers are lost.
type silentStore struct {
	*eventhubtest.Store
	// lost is how many more answers are lost.
	lost int
}

func (s *silentStore) UpdateCheckpoint(ctx context.Context, checkpoint eventhub.Checkpoint) (eventhub.Checkpoint, error) {
	written, err := s.Store.UpdateCheckpoint(ctx, checkpoint)
	if err == nil && s.lost > 0 {
		s.lost--
		return eventhub.Checkpoint{}, errors.New("no answer")
	}
	return written, err
}

func TestAWriteWhoseAnswerWasLostIsNoConflict(t *testing.T) {
	store := &silentStore{Store: eventhubtest.NewStore(), lost: 2}
	w := newWriter(store)
	for sequence := range int64(4) {
		w.Advance(eventhub.Position{Sequence: sequence, Offset: "o"})
		err := w.Flush(t.Context())
		assert.Equal(t, sequence < 2, err != nil)
		require.NotErrorIs(t, err, eventhub.ErrConflict)
	}
	last, _ := store.Checkpoint("0")
	assert.Equal(t, int64(3), last.Sequence)
}

func TestAnyOfTheWritesWithoutAnAnswerMayBeTheOneThatWasMade(t *testing.T) {
	store := &silentStore{Store: eventhubtest.NewStore(), lost: 1}
	w := newWriter(store)
	w.Advance(eventhub.Position{Sequence: 1})
	require.Error(t, w.Flush(t.Context()), "made, and its answer lost")
	store.Fail(errors.New("503"))
	w.Advance(eventhub.Position{Sequence: 2})
	require.Error(t, w.Flush(t.Context()), "not made")
	store.Fail(nil)
	w.Advance(eventhub.Position{Sequence: 3})
	require.NoError(t, w.Flush(t.Context()))
}

// The store may be away for days while events are delivered.
func TestALongOutageOfTheStoreTakesNoMoreMemoryTheLongerItLasts(t *testing.T) {
	store := &silentStore{Store: eventhubtest.NewStore(), lost: 1}
	w := newWriter(store)
	w.Advance(eventhub.Position{Sequence: 0})
	require.Error(t, w.Flush(t.Context()), "made, and its answer lost")
	store.Fail(errors.New("503"))
	for sequence := range int64(5 * maxUnanswered) {
		w.Advance(eventhub.Position{Sequence: sequence / 2})
		require.Error(t, w.Flush(t.Context()))
	}
	assert.LessOrEqual(t, len(w.unanswered), maxUnanswered)
	store.Fail(nil)
	require.NoError(t, w.Flush(t.Context()), "the first one is remembered")
}

func TestTheLastWriteOfALongOutageMayBeTheOneThatWasMade(t *testing.T) {
	store := &silentStore{Store: eventhubtest.NewStore()}
	w := newWriter(store)
	store.Fail(errors.New("503"))
	for sequence := range int64(2 * maxUnanswered) {
		w.Advance(eventhub.Position{Sequence: sequence})
		require.Error(t, w.Flush(t.Context()))
	}
	store.Fail(nil)
	store.lost = 1
	w.Advance(eventhub.Position{Sequence: 2 * maxUnanswered})
	require.Error(t, w.Flush(t.Context()), "made, and its answer lost")
	w.Advance(eventhub.Position{Sequence: 2*maxUnanswered + 1})
	require.NoError(t, w.Flush(t.Context()))
}

func TestAConflictAfterALostAnswerIsStillAConflict(t *testing.T) {
	store := &silentStore{Store: eventhubtest.NewStore(), lost: 1}
	w := newWriter(store)
	w.Advance(eventhub.Position{Sequence: 1})
	require.Error(t, w.Flush(t.Context()))
	store.MoveCheckpoint("0", 7)
	w.Advance(eventhub.Position{Sequence: 2})
	require.ErrorIs(t, w.Flush(t.Context()), eventhub.ErrConflict)
	last, _ := store.Checkpoint("0")
	assert.Equal(t, int64(7), last.Sequence)
}

func TestAStopDoesNotWaitForAStoreThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWriter(&slowStore{Store: eventhubtest.NewStore(), answerTime: time.Hour})
		assert.Equal(t, eventhub.CloseTimeout, stopAmidAWrite(t, w))
	})
}

func TestACheckpointThatDoesNotMoveIsWrittenAgainIfItCanBeRead(t *testing.T) {
	for name, test := range map[string]struct {
		stored eventhub.Checkpoint
		want   int
	}{
		"one of this store":            {eventhub.Checkpoint{Partition: "0", Sequence: 4, Version: "v1"}, 2},
		"one that cannot be read":      {eventhub.Checkpoint{Partition: "0", Sequence: eventhub.NoSequence, Version: "v1"}, 0},
		"one in another spelling":      {eventhub.Checkpoint{Partition: "0", Sequence: 4}, 0},
		"none, and nothing to confirm": {eventhub.Checkpoint{Partition: "0", Sequence: eventhub.NoSequence}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := eventhubtest.NewStore()
				if test.stored.Version != "" {
					store.MoveCheckpoint("0", test.stored.Sequence)
				}
				w := newWriter(store)
				w.Continue(test.stored)
				ctx, cancel := context.WithTimeout(t.Context(), refreshInterval+2*w.interval)
				defer cancel()
				require.NoError(t, w.Run(ctx))
				require.NoError(t, w.FlushLast(t.Context()))
				assert.Equal(t, test.want, store.CheckpointWrites())
			})
		})
	}
}
