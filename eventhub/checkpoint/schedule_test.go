package checkpoint

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/internal/eventhubtest"
)

// lateSession confirms each audit event confirmTime after it was accepted.
type lateSession struct {
	eventhub.Session
	confirmTime time.Duration

	mu       sync.Mutex
	accepted []acceptedAt
	asked    int
}

// acceptedAt is how many audit events were accepted up to a moment.
type acceptedAt struct {
	moment time.Time
	events int64
}

func (s *lateSession) accept(events int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.accepted = append(s.accepted, acceptedAt{time.Now(), s.last() + int64(events)})
}

func (s *lateSession) last() int64 {
	if n := len(s.accepted); n > 0 {
		return s.accepted[n-1].events
	}
	return 0
}

func (s *lateSession) Accepted() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last()
}

func (s *lateSession) Confirmed() (confirmed int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	for _, a := range s.accepted {
		if time.Since(a.moment) >= s.confirmTime {
			confirmed = a.events
		}
	}
	return confirmed
}

// writeTimes is a store that notes when each checkpoint was written or tried to be.
type writeTimes struct {
	*eventhubtest.Store
	mu sync.Mutex
	at []time.Time
}

func (s *writeTimes) UpdateCheckpoint(ctx context.Context, checkpoint eventhub.Checkpoint) (eventhub.Checkpoint, error) {
	s.mu.Lock()
	s.at = append(s.at, time.Now())
	s.mu.Unlock()
	return s.Store.UpdateCheckpoint(ctx, checkpoint)
}

// stream is a partition of which a hub event passes at a steady pace.
type stream struct {
	interval time.Duration
	// audits pass each time, so long after the time before.
	audits      int
	every       time.Duration
	confirmTime time.Duration
}

// run lets the writer run for that long while the stream flows, and returns the seconds from the start to each write.
func (s stream) run(t *testing.T, store *writeTimes, takes time.Duration) (writes []float64, session *lateSession) {
	t.Helper()
	w := newWriter(store)
	w.interval = s.interval
	session = &lateSession{confirmTime: s.confirmTime}
	w.StartSession(session)
	ctx, cancel := context.WithTimeout(t.Context(), takes)
	defer cancel()
	ended := make(chan error, 1)
	begun := time.Now()
	go func() { ended <- w.Run(ctx) }()
	if s.audits > 0 {
		pace := time.NewTicker(s.every)
		defer pace.Stop()
		for sequence := int64(0); ctx.Err() == nil; sequence++ {
			session.accept(s.audits)
			w.Pass(eventhub.Event{Sequence: sequence}, s.audits)
			select {
			case <-pace.C:
			case <-ctx.Done():
			}
		}
	}
	require.NoError(t, <-ended)
	store.mu.Lock()
	defer store.mu.Unlock()
	for _, moment := range store.at {
		writes = append(writes, moment.Sub(begun).Seconds())
	}
	return writes, session
}

func assertMoments(t *testing.T, want, got []float64) {
	t.Helper()
	if assert.Len(t, got, len(want), "%v", got) && len(want) > 0 {
		assert.InDeltaSlice(t, want, got, 0.011)
	}
}

func TestACheckpointIsWrittenWhenEnoughIsConfirmedOrTheIntervalIsOver(t *testing.T) {
	for name, test := range map[string]struct {
		stream
		want []float64
	}{
		"9,000 events a second, confirmed late": {
			stream{5 * time.Second, 90, 10 * time.Millisecond, 600 * time.Millisecond}, []float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10},
		},
		"2,250 events a second, confirmed at once": {
			stream{5 * time.Second, 45, 20 * time.Millisecond, 0}, []float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10},
		},
		"800 events a second, enough in between": {
			stream{5 * time.Second, 400, 500 * time.Millisecond, 0}, []float64{2, 4.5, 7, 9.5},
		},
		"390 events a second, not enough in an interval": {
			stream{5 * time.Second, 39, 100 * time.Millisecond, 0}, []float64{5, 10},
		},
		"an interval below a second": {
			stream{500 * time.Millisecond, 900, 100 * time.Millisecond, 0}, []float64{0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5, 5.5, 6, 6.5, 7, 7.5, 8, 8.5, 9, 9.5, 10},
		},
		"nothing passes": {stream: stream{interval: 5 * time.Second}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				got, _ := test.run(t, &writeTimes{Store: eventhubtest.NewStore()}, 10*time.Second+time.Millisecond)
				assertMoments(t, test.want, got)
			})
		})
	}
}

// Each look wakes the process. A partition with little work must wake it no more often than its interval says, and one
// whose sink confirms nothing once a second, and ten times in the second second of each interval.
func TestTheWriterLooksNoMoreOftenThanItMay(t *testing.T) {
	for name, test := range map[string]struct {
		stream
		most int
	}{
		"little work":              {stream{5 * time.Second, 39, 100 * time.Millisecond, 0}, 12},
		"a sink that hangs":        {stream{5 * time.Second, 39, 10 * time.Millisecond, time.Hour}, 61 + 12*10},
		"an interval of a minute":  {stream{time.Minute, 1, 100 * time.Millisecond, 0}, 2},
		"nothing passes, interval": {stream{interval: 5 * time.Second}, 12},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, session := test.run(t, &writeTimes{Store: eventhubtest.NewStore()}, time.Minute+time.Millisecond)
				// a look that writes asks twice
				assert.LessOrEqual(t, session.asked, 2*test.most)
			})
		})
	}
}

func TestAStoreThatFailsIsAskedOnceAnInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &writeTimes{Store: eventhubtest.NewStore()}
		store.Fail(errors.New("503"))
		busy := stream{5 * time.Second, 90, 10 * time.Millisecond, 0}
		got, _ := busy.run(t, store, 20*time.Second+time.Millisecond)
		assertMoments(t, []float64{1, 6, 11, 16}, got)
	})
}

// What the old session has not confirmed is read again, and counts then.
func TestWhatALostSessionHasNotConfirmedDoesNotCount(t *testing.T) {
	var p pending
	old, next := &lateSession{confirmTime: time.Hour}, &lateSession{}
	p.start(old)
	old.accept(manyAudits)
	p.add(eventhub.Position{Sequence: 1}, manyAudits)
	assert.True(t, p.manyPassed())
	p.start(next)
	assert.False(t, p.manyPassed())
	next.accept(manyAudits - 1)
	p.add(eventhub.Position{Sequence: 1}, manyAudits-1)
	p.takeConfirmed(func(eventhub.Position) {})
	assert.False(t, p.manyPassed())
	p.add(eventhub.Position{Sequence: 2}, 1)
	assert.True(t, p.manyPassed())
	p.takeConfirmed(func(eventhub.Position) {})
	assert.Equal(t, manyAudits, p.unwritten())
	p.written(manyAudits - 10)
	assert.Equal(t, 10, p.unwritten())
}
