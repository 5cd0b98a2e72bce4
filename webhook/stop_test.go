package webhook

import (
	"context"
	"errors"
	"net/http"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/forwarder/audit"
)

// result holds what a Deliver on another goroutine returned, and when.
type result struct {
	outcomes []audit.Outcome
	err      error
	at       time.Time
}

// deliverAside runs Deliver on a goroutine, as a partition does.
func deliverAside(ctx context.Context, f *fixture, all []audit.Event) <-chan result {
	results := make(chan result, 1)
	go func() {
		outcomes, err := f.Deliver(ctx, all)
		results <- result{outcomes, err, time.Now()}
	}()
	return results
}

func TestStoppingFinishesWhatIsAcceptedAtTheFirstTry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := always(200)
		f := newFixture(t, sink, nil)
		f.poster.Stop()
		outcomes, err := f.Deliver(t.Context(), events(10))
		require.NoError(t, err)
		assert.Equal(t, delivered(10), outcomes)
	})
}

func TestStoppingMakesNoRetry(t *testing.T) {
	for _, delay := range []time.Duration{0, time.Second} {
		synctest.Test(t, func(t *testing.T) {
			sink := inTurn(200, 200, 503, 200)
			f := newFixture(t, sink, func(cfg *forwarder.Config) { cfg.PostRetryDelay = delay })
			f.poster.Stop()
			outcomes, err := f.Deliver(t.Context(), events(4))
			require.ErrorIs(t, err, ErrStopping)
			assert.Equal(t, delivered(2), outcomes)
			assert.Len(t, sink.got, 3)
			assert.EqualError(t, err, "deliver record 0 of hub event 2 of partition 0: "+
				"post to http://sink.example:9765/k8s-audit: the sink answered 503 Service Unavailable: the daemon is stopping")
			assert.Zero(t, f.counts().retried)
		})
	}
}

func TestStoppingEndsARetryWait(t *testing.T) {
	for _, policy := range []forwarder.FailurePolicy{forwarder.FailureHold, forwarder.FailureDrop} {
		synctest.Test(t, func(t *testing.T) {
			sink := always(503)
			f := newFixture(t, sink, func(cfg *forwarder.Config) { cfg.FailurePolicy = policy })
			results := deliverAside(t.Context(), f, events(2))
			<-time.After(1500 * time.Millisecond) // the bubble's clock: between two attempts
			asked := time.Now()
			f.poster.Stop()
			got := <-results
			require.ErrorIs(t, got.err, ErrStopping)
			assert.Equal(t, asked, got.at)
			assert.Empty(t, got.outcomes)
			assert.Len(t, sink.got, 2)
		})
	}
}

func TestStoppingEndsWhatIsRetriedForever(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, always(404), nil)
		results := deliverAside(t.Context(), f, events(1))
		synctest.Wait()
		assert.EqualValues(t, 1, f.poster.log.held.Load())
		f.poster.Stop()
		require.ErrorIs(t, (<-results).err, ErrStopping)
		assert.Zero(t, f.poster.log.held.Load())
	})
}

func TestStoppingGivesThePostInFlightItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := &script{answer: func(int, *http.Request) (*http.Response, error) {
			<-time.After(20 * time.Second) // the bubble's clock: a busy Falco
			return saying(200)
		}}
		f := newFixture(t, sink, nil)
		results := deliverAside(t.Context(), f, events(1))
		synctest.Wait()
		f.poster.Stop()
		got := <-results
		require.NoError(t, got.err)
		assert.Equal(t, delivered(1), got.outcomes)
	})
}

// Verdicts without a wait or a retry are also given after Stop.
func TestStoppingStillDeadLettersAndDrops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, inTurn(400, 404), drop)
		f.poster.Stop()
		outcomes, err := f.Deliver(t.Context(), events(2))
		require.NoError(t, err)
		assert.Equal(t, audit.DeadLettered, outcomes[0].Verdict)
		assert.Equal(t, audit.Dropped, outcomes[1].Verdict)
	})
}

func TestStoppingEndsTheWaitForTheRateLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := always(200)
		f := newFixture(t, sink, func(cfg *forwarder.Config) { cfg.RateLimit, cfg.RateBurst = 0.1, 3 })
		results := deliverAside(t.Context(), f, events(5))
		synctest.Wait()
		f.poster.Stop()
		got := <-results
		require.ErrorIs(t, got.err, ErrStopping)
		assert.Equal(t, delivered(3), got.outcomes)
		assert.Len(t, sink.got, 3)
		assert.EqualValues(t, 3, f.counts().sent, "what was not posted was not sent")
	})
}

func TestAContextThatEndsAbandonsThePostInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := &script{answer: func(n int, req *http.Request) (*http.Response, error) {
			if n == 0 {
				return saying(200)
			}
			return hanging(n, req)
		}}
		f := newFixture(t, sink, nil)
		lost := errors.New("ownership lost")
		ctx, cancel := context.WithCancelCause(t.Context())
		results := deliverAside(ctx, f, events(3))
		synctest.Wait()
		asked := time.Now()
		cancel(lost)
		got := <-results
		require.ErrorIs(t, got.err, lost)
		assert.Equal(t, asked, got.at)
		assert.Equal(t, delivered(1), got.outcomes)
		assert.EqualError(t, got.err, "deliver record 0 of hub event 1 of partition 0: "+
			"post to http://sink.example:9765/k8s-audit abandoned: ownership lost")
		ready, _ := f.health.Ready()
		assert.True(t, ready, "it says nothing about the sink")
		assert.Equal(t, counts{sent: 2, succeeded: 1}, f.counts())
	})
}

func TestAnErrorKeepsTheSinksLastError(t *testing.T) {
	lost := errors.New("ownership lost")
	for name, second := range map[string]func(int, *http.Request) (*http.Response, error){
		"while waiting": func(int, *http.Request) (*http.Response, error) { return saying(503) },
		"while posting": hanging,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sink := &script{answer: func(n int, req *http.Request) (*http.Response, error) {
					if n == 0 {
						return nil, syscall.ECONNREFUSED
					}
					return second(n, req)
				}}
				f := newFixture(t, sink, nil)
				ctx, cancel := context.WithCancelCause(t.Context())
				results := deliverAside(ctx, f, events(1))
				<-time.After(2 * time.Second) // the bubble's clock
				cancel(lost)
				err := (<-results).err
				require.ErrorIs(t, err, lost)
				var sinkError *failure
				require.ErrorAs(t, err, &sinkError)
			})
		})
	}
}

func TestAContextThatHasEndedPostsNothing(t *testing.T) {
	sink := always(200)
	f := newFixture(t, sink, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	outcomes, err := f.Deliver(ctx, events(2))
	require.ErrorIs(t, err, context.Canceled)
	assert.Empty(t, outcomes)
	assert.Empty(t, sink.got)
}

func TestNoEventsNeedNoPost(t *testing.T) {
	sink := always(200)
	outcomes, err := newFixture(t, sink, nil).Deliver(t.Context(), nil)
	require.NoError(t, err)
	assert.Empty(t, outcomes)
	assert.Empty(t, sink.got)
}
