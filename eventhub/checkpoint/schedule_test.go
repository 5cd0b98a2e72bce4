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

// writeTimes is a store that notes when each checkpoint was written, or failed to be.
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

// stream is a partition whose hub events pass at a steady pace.
type stream struct {
	interval time.Duration
	// audits pass each time, that long after the last time.
	audits      int
	every       time.Duration
	confirmTime time.Duration
	// burst, if not 0, is how many hub events pass before the stream rests for that long.
	burst int
	rest  time.Duration
}

// run lets the writer run for that long while the stream flows. It returns the seconds from the start to each write.
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
			w.Pass(eventhub.Event{Sequence: sequence}, s.audits, nil)
			select {
			case <-pace.C:
			case <-ctx.Done():
			}
			if s.burst > 0 && (sequence+1)%int64(s.burst) == 0 {
				select {
				case <-time.After(s.rest):
				case <-ctx.Done():
				}
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
		assert.InDeltaSlice(t, want, got, lookInterval.Seconds()+0.001)
	}
}

func TestACheckpointIsWrittenWhenEnoughIsConfirmedOrTheIntervalIsOver(t *testing.T) {
	for name, test := range map[string]struct {
		stream
		want []float64
	}{
		"900 events a second, confirmed late": {
			stream{interval: 5 * time.Second, audits: 9, every: 10 * time.Millisecond, confirmTime: 600 * time.Millisecond},
			[]float64{1.08, 2.33, 3.58, 4.83, 6.08, 7.33, 8.58, 9.83},
		},
		"225 events a second, confirmed at once": {
			stream{interval: 5 * time.Second, audits: 9, every: 40 * time.Millisecond},
			[]float64{0.88, 1.88, 2.88, 3.88, 4.88, 5.88, 6.88, 7.88, 8.88, 9.88},
		},
		"900 events a second in bursts that are confirmed late": {
			stream{
				interval: 5 * time.Second, audits: 9, every: 10 * time.Millisecond, confirmTime: 250 * time.Millisecond,
				burst: 28, rest: 830 * time.Millisecond,
			},
			[]float64{0.55, 1.65, 2.75, 3.85, 4.95, 6.05, 7.15, 8.25, 9.35},
		},
		"80 events a second, enough in between": {
			stream{interval: 5 * time.Second, audits: 40, every: 500 * time.Millisecond}, []float64{2, 4.5, 7, 9.5},
		},
		"39 events a second, not enough in an interval": {
			stream{interval: 5 * time.Second, audits: 39, every: time.Second}, []float64{5, 10},
		},
		"an interval below a second": {
			stream{interval: 500 * time.Millisecond, audits: 90, every: 100 * time.Millisecond}, []float64{0.2, 0.7, 1.2, 1.7, 2.2, 2.7, 3.2, 3.7, 4.2, 4.7, 5.2, 5.7, 6.2, 6.7, 7.2, 7.7, 8.2, 8.7, 9.2, 9.7},
		},
		"an interval of half a minute": {
			stream{interval: 30 * time.Second, audits: 9, every: 10 * time.Millisecond}, []float64{0.22, 6.22},
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

// Each look wakes the process. A partition with little work must wake it only once an interval, and one whose sink
// confirms nothing once in lookInterval.
func TestTheWriterLooksNoMoreOftenThanItMay(t *testing.T) {
	for name, test := range map[string]struct {
		stream
		most int
	}{
		"little work":              {stream{interval: 5 * time.Second, audits: 39, every: time.Second}, 12},
		"a sink that hangs":        {stream{interval: 5 * time.Second, audits: 9, every: 10 * time.Millisecond, confirmTime: time.Hour}, 60*20 + 12},
		"an interval of a minute":  {stream{interval: time.Minute, audits: 1, every: 100 * time.Millisecond}, 2},
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
		busy := stream{interval: 5 * time.Second, audits: 9, every: 10 * time.Millisecond}
		got, _ := busy.run(t, store, 20*time.Second+time.Millisecond)
		assertMoments(t, []float64{0.22, 5.22, 10.22, 15.22}, got)
	})
}

// What the old session has not confirmed is read again, and counts then.
func TestWhatALostSessionHasNotConfirmedDoesNotCount(t *testing.T) {
	var p pending
	old, next := &lateSession{confirmTime: time.Hour}, &lateSession{}
	assertCounts := func(unconfirmed, unwritten int) {
		t.Helper()
		gotUnconfirmed, gotUnwritten := p.counts()
		assert.Equal(t, []int{unconfirmed, unwritten}, []int{gotUnconfirmed, gotUnwritten})
	}
	p.start(old)
	old.accept(manyAudits)
	p.add(eventhub.Position{Sequence: 1}, manyAudits, nil)
	assertCounts(manyAudits, 0)
	p.start(next)
	assertCounts(0, 0)
	next.accept(manyAudits - 1)
	p.add(eventhub.Position{Sequence: 1}, manyAudits-1, nil)
	p.takeConfirmed(func(eventhub.Position) {})
	assertCounts(0, manyAudits-1)
	p.add(eventhub.Position{Sequence: 2}, 1, nil)
	assertCounts(1, manyAudits-1)
	p.takeConfirmed(func(eventhub.Position) {})
	assertCounts(0, manyAudits)
	p.written(manyAudits - 10)
	assertCounts(0, 10)
}
