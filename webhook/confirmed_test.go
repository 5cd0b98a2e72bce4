package webhook

import (
	"context"
	"errors"
	"io"
	"net/http"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/webhook/confirm"
)

func replaying(cfg *forwarder.Config) { cfg.SinkReplay, cfg.SinkSettleTime = true, 5*time.Second }

// lane opens a lane to a sink without a network, so that time is the bubble's.
func lane(t *testing.T, sink http.RoundTripper, change func(*forwarder.Config)) (*Session, *fixture) {
	t.Helper()
	f := newFixture(t, sink, change)
	l := f.poster.OpenSession()
	t.Cleanup(l.Close)
	return l, f
}

func post(t *testing.T, l *Session, n int) {
	t.Helper()
	outcomes, err := deliverAll(t.Context(), l, events(n))
	require.NoError(t, err)
	require.Len(t, outcomes, n)
}

// answeringAfter is a sink that takes that long for each answer.
func answeringAfter(delays ...time.Duration) *script {
	return &script{answer: func(n int, _ *http.Request) (*http.Response, error) {
		<-time.After(delays[min(n, len(delays)-1)]) // the bubble's clock
		return saying(200)
	}}
}

func isLost(l *Session) bool {
	select {
	case <-l.Lost():
		return true
	default:
		return false
	}
}

func TestWhatTheSinkAcceptedIsSettledWhenItHasLivedOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, _ := lane(t, always(200), replaying)
		post(t, l, 3)
		assert.EqualValues(t, 3, l.Accepted())
		<-time.After(5*time.Second - time.Millisecond) // the bubble's clock
		assert.Zero(t, l.Confirmed())
		<-time.After(time.Millisecond)
		assert.EqualValues(t, 3, l.Confirmed())
	})
}

// 52 bodies may stand in the queue, be parsed or be dropped, and 128 events be in the engine.
func TestABodyIsSettledByThoseThatPushItThroughTheSink(t *testing.T) {
	for name, test := range map[string]struct{ events, unsettled int }{
		"of one event":       {1, 52 + 128},
		"of 22 events":       {22, 52 + 6},
		"of 128 events":      {128, 52 + 1},
		"of 400 events":      {400, 52 + 1},
		"without any events": {0, 1000},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l, _ := lane(t, always(200), replaying)
				for n := range 300 {
					l.tracker.Accept(test.events, 0)
					require.EqualValues(t, max(0, n+1-test.unsettled), l.Confirmed())
				}
			})
		})
	}
}

func TestANewConnectionCountsAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, _ := lane(t, always(200), replaying)
		post(t, l, 180)
		assert.Zero(t, l.Confirmed())
		l.tracker.Connected()
		post(t, l, 179)
		assert.Zero(t, l.Confirmed(), "the 180 may stand in another queue")
		post(t, l, 1)
		assert.EqualValues(t, 180, l.Confirmed())
		post(t, l, 1)
		assert.EqualValues(t, 181, l.Confirmed())
	})
}

func TestWithoutKeepAliveBodiesAreCountedOverAllConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, _ := lane(t, always(200), func(cfg *forwarder.Config) { replaying(cfg); cfg.KeepAlive = false })
		for range 181 {
			l.tracker.Connected()
			post(t, l, 1)
		}
		assert.EqualValues(t, 1, l.Confirmed(), "else memory would have no bound")
	})
}

func TestWhileAPostIsInFlightTimeAloneSettlesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, _ := lane(t, answeringAfter(0, 30*time.Second), replaying)
		post(t, l, 1)
		done := make(chan struct{})
		go func() {
			defer close(done)
			_, _ = deliverAll(t.Context(), l, events(1))
		}()
		<-time.After(29 * time.Second) // the bubble's clock
		assert.Zero(t, l.Confirmed(), "the sink may be dead")
		<-done
		<-time.After(time.Minute)
		assert.EqualValues(t, 2, l.Confirmed(), "it was not")
	})
}

// 503 is an answer too.
func TestAnyAnswerShowsThatTheSinkLivesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, _ := lane(t, inTurn(200, 503), replaying)
		post(t, l, 1)
		ctx, cancel := context.WithTimeout(t.Context(), 7*time.Second)
		defer cancel()
		_, err := deliverAll(ctx, l, events(1))
		require.Error(t, err)
		assert.EqualValues(t, 1, l.Confirmed())
		assert.False(t, isLost(l))
	})
}

// A sink that is full holds 51 bodies and 128 events. It answers when it is through with a batch
// of 128 events, or with a body that has more.
func TestASinkThatAnswersSlowlyIsWaitedForLonger(t *testing.T) {
	const second = time.Second
	for name, test := range map[string]struct {
		events  int
		answers []time.Duration
		want    time.Duration
	}{
		"quick":                             {1, []time.Duration{0, 0, 0}, 5 * second},
		"single events, slow":               {1, []time.Duration{0, 64 * second, 0}, 89500 * time.Millisecond},
		"single events, a hiccup":           {1, []time.Duration{0, 3 * second, 0}, 5 * second},
		"large bodies, slow":                {256, []time.Duration{0, 0, second, second}, 51500 * time.Millisecond},
		"large bodies, slow but not enough": {256, []time.Duration{0, 50 * time.Millisecond, 50 * time.Millisecond}, 5 * second},
		"large bodies, a hiccup":            {256, []time.Duration{0, second, 0}, 10 * second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l, _ := lane(t, always(200), replaying)
				for _, waited := range test.answers {
					l.tracker.Accept(test.events, waited)
				}
				began := time.Now()
				require.NoError(t, l.Confirm(t.Context()))
				assert.InDelta(t, test.want, time.Since(began), float64(100*time.Millisecond))
			})
		})
	}
}

func TestTheTimeForAnAnswerIsTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, _ := lane(t, answeringAfter(10*time.Second), replaying)
		post(t, l, 1)
		began := time.Now()
		require.NoError(t, l.Confirm(t.Context()))
		assert.Greater(t, time.Since(began), 13*time.Second)
	})
}

func TestAPostThatTimedOutMakesSettlingTakeLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := &script{answer: func(n int, req *http.Request) (*http.Response, error) {
			if n == 1 {
				return hanging(n, req)
			}
			return saying(200)
		}}
		l, _ := lane(t, sink, replaying)
		post(t, l, 2)
		assert.False(t, isLost(l), "it is slow, not dead")
		assert.Zero(t, l.Confirmed())
		<-time.After(20 * time.Second) // the bubble's clock
		assert.Zero(t, l.Confirmed(), "what it has taken before may be stuck as well")
		began := time.Now()
		require.NoError(t, l.Confirm(t.Context()))
		assert.Equal(t, 3*time.Second, time.Since(began).Round(time.Second))
	})
}

func TestWithASettleTimeOf0EverythingIsSettledAtOnceAndNothingLost(t *testing.T) {
	l, _ := lane(t, always(200), func(cfg *forwarder.Config) { cfg.SinkReplay = true })
	post(t, l, 3)
	assert.EqualValues(t, 3, l.Confirmed())
	l.tracker.Dropped(syscall.ECONNRESET)
	assert.False(t, isLost(l))
	require.NoError(t, l.Confirm(t.Context()))
}

func TestWithoutReplayNothingIsLostAndSettlingTakesItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, _ := lane(t, always(200), func(cfg *forwarder.Config) { cfg.SinkSettleTime = time.Second })
		post(t, l, 1)
		l.tracker.Dropped(syscall.ECONNRESET)
		l.tracker.DialFailed(syscall.ECONNREFUSED)
		assert.False(t, isLost(l))
		assert.Zero(t, l.Confirmed())
		require.NoError(t, l.Confirm(t.Context()))
		assert.EqualValues(t, 1, l.Confirmed())
	})
}

func TestALostLaneSettlesNothingMoreAndEndsAWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, _ := lane(t, always(200), replaying)
		post(t, l, 2)
		go func() {
			<-time.After(time.Second) // the bubble's clock
			l.tracker.Dropped(syscall.ETIMEDOUT)
		}()
		began := time.Now()
		err := l.Confirm(t.Context())
		require.ErrorIs(t, err, confirm.ErrLost)
		require.ErrorIs(t, l.Err(), syscall.ETIMEDOUT)
		assert.Equal(t, time.Second, time.Since(began))
		<-time.After(time.Hour)
		assert.Zero(t, l.Confirmed())
		_, err = deliverAll(t.Context(), l, events(1))
		require.ErrorIs(t, err, confirm.ErrLost)
		require.ErrorIs(t, l.tracker.Dialling(), confirm.ErrLost, "nothing overtakes what was lost")
		assert.Zero(t, l.tracker.KeepOpenFor(), "there is nothing to watch any more")
	})
}

func TestALossEndsARetryWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := inTurn(200, 503)
		l, _ := lane(t, sink, replaying)
		post(t, l, 1)
		results := make(chan error, 1)
		go func() {
			_, err := deliverAll(t.Context(), l, events(1))
			results <- err
		}()
		<-time.After(1500 * time.Millisecond) // the bubble's clock: between two attempts
		began := time.Now()
		l.tracker.Dropped(io.EOF)
		err := <-results
		require.ErrorIs(t, err, confirm.ErrLost)
		var said *failure
		require.ErrorAs(t, err, &said, "the sink's last word is kept")
		assert.Zero(t, time.Since(began))
	})
}

func TestWaitingForSettlingEndsWithItsContext(t *testing.T) {
	l, _ := lane(t, always(200), replaying)
	post(t, l, 1)
	ctx, cancel := context.WithCancelCause(t.Context())
	enough := errors.New("enough")
	cancel(enough)
	require.ErrorIs(t, l.Confirm(ctx), enough)
}

func TestACloseIsNoLossAndSettlesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, _ := lane(t, always(200), replaying)
		post(t, l, 1)
		l.Close()
		l.tracker.Dropped(io.EOF)
		assert.False(t, isLost(l))
		<-time.After(time.Hour) // the bubble's clock
		assert.Zero(t, l.Confirmed(), "nobody has watched it")
	})
}
