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
)

func replaying(cfg *forwarder.Config) { cfg.SinkReplay, cfg.SinkSettleTime = true, 5*time.Second }

// lane opens a lane to a sink without a network, so that time is the bubble's.
func lane(t *testing.T, sink http.RoundTripper, change func(*forwarder.Config)) (*Lane, *fixture) {
	t.Helper()
	f := newFixture(t, sink, change)
	l := f.Lane("0")
	t.Cleanup(l.Close)
	return l, f
}

func post(t *testing.T, l *Lane, n int) {
	t.Helper()
	outcomes, err := l.Deliver(t.Context(), events(n))
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

func isLost(l *Lane) bool {
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
		assert.Zero(t, l.Settled())
		<-time.After(time.Millisecond)
		assert.EqualValues(t, 3, l.Settled())
	})
}

func TestFiftyTwoLaterBodiesSettleTheOneAheadOfThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, _ := lane(t, always(200), replaying)
		post(t, l, 52)
		assert.Zero(t, l.Settled())
		post(t, l, 1)
		assert.EqualValues(t, 1, l.Settled())
		post(t, l, 100)
		assert.EqualValues(t, 101, l.Settled())
	})
}

func TestANewConnectionCountsAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, _ := lane(t, always(200), replaying)
		post(t, l, 52)
		l.ledger.Connected()
		post(t, l, 52)
		assert.Zero(t, l.Settled(), "the 52 may stand in another queue")
		post(t, l, 1)
		assert.EqualValues(t, 53, l.Settled())
	})
}

func TestWithoutKeepAliveBodiesAreCountedOverAllConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, _ := lane(t, always(200), func(cfg *forwarder.Config) { replaying(cfg); cfg.KeepAlive = false })
		for range 53 {
			l.ledger.Connected()
			post(t, l, 1)
		}
		assert.EqualValues(t, 1, l.Settled(), "else memory would have no bound")
	})
}

func TestWhileAPostIsInFlightTimeAloneSettlesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, _ := lane(t, answeringAfter(0, 30*time.Second), replaying)
		post(t, l, 1)
		done := make(chan struct{})
		go func() {
			defer close(done)
			_, _ = l.Deliver(t.Context(), events(1))
		}()
		<-time.After(29 * time.Second) // the bubble's clock
		assert.Zero(t, l.Settled(), "the sink may be dead")
		<-done
		<-time.After(10 * time.Second)
		assert.EqualValues(t, 2, l.Settled(), "it was not")
	})
}

// 503 is an answer too.
func TestAnyAnswerShowsThatTheSinkLivesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, _ := lane(t, inTurn(200, 503), replaying)
		post(t, l, 1)
		ctx, cancel := context.WithTimeout(t.Context(), 7*time.Second)
		defer cancel()
		_, err := l.Deliver(ctx, events(1))
		require.Error(t, err)
		assert.EqualValues(t, 1, l.Settled())
		assert.False(t, isLost(l))
	})
}

func TestASinkThatAnswersSlowlyIsWaitedForLonger(t *testing.T) {
	for name, test := range map[string]struct {
		answers []time.Duration
		want    time.Duration
	}{
		"quick":                          {[]time.Duration{0, 0, 0}, 5 * time.Second},
		"always slow":                    {[]time.Duration{time.Second}, 52 * time.Second},
		"slow in the end":                {[]time.Duration{0, 0, 0, time.Second, time.Second}, 52 * time.Second},
		"a hiccup in the end":            {[]time.Duration{0, 0, 0, 0, time.Second}, 10 * time.Second},
		"a hiccup before":                {[]time.Duration{0, time.Second, 0, 0, 0}, 5 * time.Second},
		"a hiccup as long as the queue":  {[]time.Duration{0, 0, 0, 0, 120 * time.Millisecond}, 6240 * time.Millisecond},
		"slow, but not for a full queue": {[]time.Duration{10 * time.Millisecond}, 5 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l, _ := lane(t, answeringAfter(test.answers...), replaying)
				post(t, l, 5)
				began := time.Now()
				require.NoError(t, l.Settle(t.Context()))
				assert.Equal(t, test.want, time.Since(began))
			})
		})
	}
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
		assert.Zero(t, l.Settled())
		<-time.After(30 * time.Minute) // the bubble's clock
		assert.Zero(t, l.Settled(), "50 bodies, a minute each")
		post(t, l, 60)
		assert.EqualValues(t, 10, l.Settled(), "it goes on")
	})
}

func TestWithASettleTimeOf0EverythingIsSettledAtOnceAndNothingLost(t *testing.T) {
	l, _ := lane(t, always(200), func(cfg *forwarder.Config) { cfg.SinkReplay = true })
	post(t, l, 3)
	assert.EqualValues(t, 3, l.Settled())
	l.ledger.Dropped(syscall.ECONNRESET)
	assert.False(t, isLost(l))
	require.NoError(t, l.Settle(t.Context()))
}

func TestWithoutReplayNothingIsLostAndSettlingTakesItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, _ := lane(t, always(200), func(cfg *forwarder.Config) { cfg.SinkSettleTime = time.Second })
		post(t, l, 1)
		l.ledger.Dropped(syscall.ECONNRESET)
		l.ledger.DialFailed(syscall.ECONNREFUSED)
		assert.False(t, isLost(l))
		assert.Zero(t, l.Settled())
		require.NoError(t, l.Settle(t.Context()))
		assert.EqualValues(t, 1, l.Settled())
	})
}

func TestALostLaneSettlesNothingMoreAndEndsAWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, _ := lane(t, always(200), replaying)
		post(t, l, 2)
		go func() {
			<-time.After(time.Second) // the bubble's clock
			l.ledger.Dropped(syscall.ETIMEDOUT)
		}()
		began := time.Now()
		err := l.Settle(t.Context())
		require.ErrorIs(t, err, ErrLost)
		require.ErrorIs(t, l.Err(), syscall.ETIMEDOUT)
		assert.Equal(t, time.Second, time.Since(began))
		<-time.After(time.Hour)
		assert.Zero(t, l.Settled())
		_, err = l.Deliver(t.Context(), events(1))
		require.ErrorIs(t, err, ErrLost)
	})
}

func TestALossEndsARetryWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := inTurn(200, 503)
		l, _ := lane(t, sink, replaying)
		post(t, l, 1)
		results := make(chan error, 1)
		go func() {
			_, err := l.Deliver(t.Context(), events(1))
			results <- err
		}()
		<-time.After(1500 * time.Millisecond) // the bubble's clock: between two attempts
		began := time.Now()
		l.ledger.Dropped(io.EOF)
		err := <-results
		require.ErrorIs(t, err, ErrLost)
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
	require.ErrorIs(t, l.Settle(ctx), enough)
}

func TestACloseIsNoLossAndSettlesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, _ := lane(t, always(200), replaying)
		post(t, l, 1)
		l.Close()
		l.ledger.Dropped(io.EOF)
		assert.False(t, isLost(l))
		<-time.After(time.Hour) // the bubble's clock
		assert.Zero(t, l.Settled(), "nobody has watched it")
	})
}

func TestWhatIsSentAgainIsCountedAsThat(t *testing.T) {
	l, f := lane(t, inTurn(200, 200, 400), replaying)
	all := events(3)
	all[0].Again, all[2].Again = true, true
	_, err := l.Deliver(t.Context(), all)
	require.NoError(t, err)
	assert.Equal(t, counts{sent: 1, succeeded: 1}, f.counts())
	assert.EqualValues(t, 2, f.metric("aks_audit_log_replayed_events_total"))
}

// A server that closes every connection that has been idle for two seconds.
func TestASinkThatClosesIdleConnectionsAsAHabitLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, always(200), replaying)
		var losses []bool
		idle := func(idle time.Duration) {
			l := f.Lane("0")
			defer l.Close()
			l.ledger.Connected()
			post(t, l, 1)
			<-time.After(idle) // the bubble's clock
			l.ledger.Dropped(io.EOF)
			losses = append(losses, isLost(l))
		}
		for range 5 {
			idle(2 * time.Second)
		}
		assert.Equal(t, []bool{true, true, true, false, false}, losses)
		losses = nil
		idle(1500 * time.Millisecond)
		assert.Equal(t, []bool{true}, losses, "that is not how it does it")
	})
}

func TestWhatDoesNotFitAHabitIsALoss(t *testing.T) {
	for name, breach := range map[string]func(l *Lane){
		"a reset":                          func(l *Lane) { l.ledger.Dropped(syscall.ECONNRESET) },
		"a refused connection":             func(l *Lane) { l.ledger.DialFailed(syscall.ECONNREFUSED) },
		"a close at once":                  func(l *Lane) { l.ledger.Dropped(io.EOF) },
		"an idle connection that lasts":    func(l *Lane) { <-time.After(6 * time.Second); l.Settled() },
		"a close with something in flight": func(l *Lane) { l.ledger.begin(); l.ledger.Dropped(io.EOF) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t, always(200), replaying)
				closing := func(how func(*Lane)) bool {
					l := f.Lane("0")
					defer l.Close()
					l.ledger.Connected()
					post(t, l, 1)
					how(l)
					return isLost(l)
				}
				habit := func(l *Lane) {
					<-time.After(2 * time.Second) // the bubble's clock
					l.ledger.Dropped(io.EOF)
				}
				for range 3 {
					require.True(t, closing(habit))
				}
				closing(breach)
				assert.True(t, closing(habit))
			})
		})
	}
}
