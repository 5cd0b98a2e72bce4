package webhook

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/httpclient"
	"aks-audit-log-go/webhook/confirm"
)

func replaying(cfg *forwarder.Config) { cfg.SinkReplay, cfg.SinkSettleTime = true, 5*time.Second }

// offlineSession opens a session with a sink without a network, so that time is the bubble's.
func offlineSession(t *testing.T, sink http.RoundTripper, change func(*forwarder.Config)) (*Session, *fixture) {
	t.Helper()
	f := newFixture(t, sink, change)
	s := f.poster.OpenSession()
	t.Cleanup(s.Close)
	return s, f
}

func post(t *testing.T, s *Session, n int) {
	t.Helper()
	outcomes, err := deliverAll(t.Context(), s, events(n))
	require.NoError(t, err)
	require.Len(t, outcomes, n)
}

func isLost(s *Session) bool {
	select {
	case <-s.Lost():
		return true
	default:
		return false
	}
}

// countedBarriers returns a sink that accepts everything, and a count of its barriers.
func countedBarriers(answer func() (*http.Response, error)) (sink *script, count *atomic.Int64) {
	count = new(atomic.Int64)
	sink = always(200)
	sink.barrier = func() (*http.Response, error) {
		count.Add(1)
		return answer()
	}
	return sink, count
}

func accepting() (*http.Response, error) { return saying(200) }

func TestWithoutAnotherRequestARowOfBarriersAndOneLaterConfirm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink, barriers := countedBarriers(accepting)
		s, _ := offlineSession(t, sink, replaying)
		post(t, s, 3)
		<-time.After(time.Second) // the bubble's clock
		synctest.Wait()
		assert.EqualValues(t, 52, barriers.Load())
		assert.Zero(t, s.Confirmed(), "the engine may still have it")
		<-time.After(5 * time.Second)
		synctest.Wait()
		assert.EqualValues(t, 53, barriers.Load())
		assert.EqualValues(t, 3, s.Confirmed())
		<-time.After(time.Hour)
		assert.EqualValues(t, 53, barriers.Load(), "there is nothing more to confirm")
	})
}

// Without a pause before the stop there is no row of barriers yet.
func TestConfirmSendsBarriersAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink, barriers := countedBarriers(accepting)
		s, _ := offlineSession(t, sink, replaying)
		post(t, s, 3)
		began := time.Now()
		require.NoError(t, s.Confirm(t.Context()))
		assert.Equal(t, 5*time.Second, time.Since(began))
		assert.EqualValues(t, 53, barriers.Load())
		assert.EqualValues(t, 3, s.Confirmed())
	})
}

func TestInLightWorkBarriersGoOnceAnInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink, barriers := countedBarriers(accepting)
		s, _ := offlineSession(t, sink, replaying)
		for range 60 {
			post(t, s, 1)
			<-time.After(time.Second) // the bubble's clock
		}
		assert.LessOrEqual(t, barriers.Load(), int64(12*52+1))
		assert.GreaterOrEqual(t, s.Confirmed(), int64(48))
	})
}

func TestAllSessionsPushWhatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink, barriers := countedBarriers(accepting)
		s, f := offlineSession(t, sink, replaying)
		other := f.poster.OpenSession()
		defer other.Close()
		post(t, s, 1)
		post(t, other, 52+127)
		assert.Zero(t, s.Confirmed())
		post(t, other, 1)
		assert.EqualValues(t, 1, s.Confirmed())
		assert.Zero(t, barriers.Load())
	})
}

func TestASinkThatRefusesTheFirstBarrierConfirmsByItsNextAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink, barriers := countedBarriers(func() (*http.Response, error) { return saying(400) })
		s, f := offlineSession(t, sink, replaying)
		post(t, s, 3)
		<-time.After(5200 * time.Millisecond) // the bubble's clock
		synctest.Wait()
		assert.EqualValues(t, 3, s.Confirmed())
		assert.EqualValues(t, 2, barriers.Load())
		assert.Contains(t, f.everything(), "the sink does not behave as Falco does")
	})
}

// A single 503 may come from a sink that starts.
func TestASinkThatFailsTheFirstThreeBarriersTakesNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink, barriers := countedBarriers(func() (*http.Response, error) { return saying(500) })
		s, f := offlineSession(t, sink, replaying)
		post(t, s, 3)
		<-time.After(6 * time.Second) // the bubble's clock
		synctest.Wait()
		assert.Zero(t, s.Confirmed())
		assert.EqualValues(t, 2, barriers.Load())
		<-time.After(time.Minute)
		assert.EqualValues(t, 3, s.Confirmed())
		assert.Contains(t, f.everything(), "the sink does not behave as Falco does")
	})
}

func TestAProxyThatAnswersABarrierThatItHasNoSinkIsALoss(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink, _ := countedBarriers(func() (*http.Response, error) { return saying(503, "Server: envoy") })
		s, _ := offlineSession(t, sink, replaying)
		post(t, s, 3)
		<-time.After(time.Second) // the bubble's clock
		assert.True(t, isLost(s))
	})
}

func TestASinkMustTakeBarriersIfSoConfigured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink, barriers := countedBarriers(func() (*http.Response, error) { return saying(400) })
		s, _ := offlineSession(t, sink, func(cfg *forwarder.Config) {
			replaying(cfg)
			cfg.SinkBarrier = forwarder.BarrierOn
		})
		post(t, s, 1)
		<-time.After(time.Minute) // the bubble's clock
		assert.Zero(t, s.Confirmed())
		assert.InDelta(t, 12, barriers.Load(), 2)
	})
}

func TestWithoutBarriersTimeConfirmsUnlessAPostIsInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := &script{answer: func(n int, _ *http.Request) (*http.Response, error) {
			<-time.After(time.Duration(n) * 30 * time.Second) // the bubble's clock
			return saying(200)
		}}
		s, _ := offlineSession(t, sink, func(cfg *forwarder.Config) {
			replaying(cfg)
			cfg.SinkBarrier = forwarder.BarrierOff
		})
		post(t, s, 1)
		done := make(chan struct{})
		go func() {
			defer close(done)
			_, _ = deliverAll(t.Context(), s, events(1))
		}()
		<-time.After(29 * time.Second)
		assert.Zero(t, s.Confirmed(), "the sink may be dead")
		<-done
		assert.EqualValues(t, 1, s.Confirmed(), "it was not")
		require.NoError(t, s.Confirm(t.Context()))
		assert.EqualValues(t, 2, s.Confirmed())
	})
}

// Falco's engine has shown its speed, so its last events need less than SINKSETTLETIME.
func TestAWaitForConfirmationIsShortOnceTheEngineHasShownItsSpeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := offlineSession(t, always(200), replaying)
		for range 300 {
			<-time.After(time.Millisecond) // the bubble's clock
			post(t, s, 1)
		}
		began := time.Now()
		require.NoError(t, s.Confirm(t.Context()))
		assert.Less(t, time.Since(began), 400*time.Millisecond)
		assert.Equal(t, s.Accepted(), s.Confirmed())
	})
}

func TestALostSessionConfirmsNothingMoreAndEndsAWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, f := offlineSession(t, always(200), replaying)
		post(t, s, 2)
		go func() {
			<-time.After(time.Second) // the bubble's clock
			f.poster.link.tracker.Ended(syscall.ETIMEDOUT)
		}()
		began := time.Now()
		err := s.Confirm(t.Context())
		require.ErrorIs(t, err, confirm.ErrLost)
		require.ErrorIs(t, s.Err(), syscall.ETIMEDOUT)
		assert.Equal(t, time.Second, time.Since(began))
		<-time.After(time.Hour)
		assert.Zero(t, s.Confirmed())
		_, err = deliverAll(t.Context(), s, events(1))
		require.ErrorIs(t, err, confirm.ErrLost)
	})
}

func TestALossEndsARetryWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := inTurn(200, 503)
		s, f := offlineSession(t, sink, replaying)
		post(t, s, 1)
		results := make(chan error, 1)
		go func() {
			_, err := deliverAll(t.Context(), s, events(1))
			results <- err
		}()
		<-time.After(1500 * time.Millisecond) // the bubble's clock: between two attempts
		began := time.Now()
		f.poster.link.tracker.Ended(httpclient.ErrClosedThere)
		err := <-results
		require.ErrorIs(t, err, confirm.ErrLost)
		var last *failure
		require.ErrorAs(t, err, &last, "the sink's last error is kept")
		assert.Zero(t, time.Since(began))
	})
}

func TestConfirmEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := offlineSession(t, always(200), replaying)
		post(t, s, 1)
		ctx, cancel := context.WithCancelCause(t.Context())
		enough := errors.New("enough")
		cancel(enough)
		require.ErrorIs(t, s.Confirm(ctx), enough)
	})
}

func TestACloseIsNoLossAndConfirmsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, f := offlineSession(t, always(200), replaying)
		post(t, s, 1)
		s.Close()
		f.poster.link.tracker.Ended(httpclient.ErrClosedThere)
		assert.False(t, isLost(s))
		<-time.After(time.Hour) // the bubble's clock
		assert.Zero(t, s.Confirmed(), "nobody has watched it")
	})
}

// A proxy answers so when its Falco is gone, although the connection to the proxy stays open.
func TestAProxyWithoutASinkHasLostWhatIsNotConfirmedThreeTimesAtMost(t *testing.T) {
	for name, test := range map[string]struct {
		header []string
		lost   int
	}{
		"a proxy":       {[]string{"Server: envoy"}, 3},
		"via":           {[]string{"Via: 1.1 somebody"}, 3},
		"the sink does": {nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sink := &script{answer: func(n int, _ *http.Request) (*http.Response, error) {
					if n%2 == 0 {
						return saying(200)
					}
					return saying(503, test.header...)
				}}
				f := newFixture(t, sink, replaying)
				lost := 0
				for range 6 {
					s := f.poster.OpenSession()
					_, _ = s.Deliver(t.Context(), events(1))
					ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
					_, _ = s.Deliver(ctx, events(1))
					cancel()
					if isLost(s) {
						lost++
					}
					s.Close()
				}
				assert.Equal(t, test.lost, lost)
			})
		})
	}
}
