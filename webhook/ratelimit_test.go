package webhook

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/forwarder"
)

func limited(perSecond float64, burst int) func(*forwarder.Config) {
	return func(cfg *forwarder.Config) { cfg.RateLimit, cfg.RateBurst = perSecond, burst }
}

func TestTheRateLimitSpacesEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := always(200)
		f := newFixture(t, sink, limited(0.5, 2))
		_, err := f.Deliver(t.Context(), events(5))
		require.NoError(t, err)
		assert.Equal(t, seconds(0, 0, 2, 4, 6), sink.at)
	})
}

func TestPartitionsShareTheRateLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := always(200)
		f := newFixture(t, sink, limited(1, 1))
		a, b := deliverAside(t.Context(), f, events(3)), deliverAside(t.Context(), f, events(3))
		require.NoError(t, (<-a).err)
		require.NoError(t, (<-b).err)
		assert.Equal(t, seconds(0, 1, 2, 3, 4, 5), sink.at)
	})
}

func TestRetriesDoNotCountForTheRateLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := inTurn(503, 503, 200)
		f := newFixture(t, sink, limited(0.01, 1))
		_, err := f.Deliver(t.Context(), events(1))
		require.NoError(t, err)
		assert.Equal(t, seconds(0, 1, 3), sink.at)
	})
}

func TestABurstOfZeroStillLetsEventsThrough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := always(200)
		f := newFixture(t, sink, limited(1, 0))
		_, err := f.Deliver(t.Context(), events(2))
		require.NoError(t, err)
		assert.Equal(t, seconds(0, 1), sink.at)
	})
}

func TestAnEventThatWaitsInVainTakesNoTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := always(200)
		f := newFixture(t, sink, limited(0.1, 1))
		ctx, cancel := context.WithCancel(t.Context())
		results := deliverAside(ctx, f, events(2))
		synctest.Wait()
		cancel()
		require.ErrorIs(t, (<-results).err, context.Canceled)
		start := time.Now()
		_, err := f.Deliver(t.Context(), events(1))
		require.NoError(t, err)
		assert.Equal(t, 10*time.Second, time.Since(start))
	})
}

// admission is how many events the rate limit admitted, and when.
type admission struct {
	events int
	at     time.Duration
}

// admitAll asks the rate limit to admit so many events, up to 400 at a time, until all are admitted or it fails.
func admitAll(ctx context.Context, f *fixture, events int) (all []admission, err error) {
	start := time.Now()
	for events > 0 && err == nil {
		var n int
		n, err = f.poster.admit(ctx, min(400, events))
		if err == nil {
			all = append(all, admission{n, time.Since(start).Round(time.Millisecond)})
			events -= n
		}
	}
	return all, err
}

func TestTheRateLimitGathersEvents(t *testing.T) {
	for name, test := range map[string]struct {
		perSecond     float64
		burst, events int
		want          []admission
	}{
		"as many as the burst":          {400, 50, 130, []admission{{50, 0}, {50, 125 * time.Millisecond}, {30, 200 * time.Millisecond}}},
		"no more than there are":        {400, 50, 54, []admission{{50, 0}, {4, 10 * time.Millisecond}}},
		"no more than a batch":          {400, 1000, 1400, []admission{{400, 0}, {400, 0}, {400, 500 * time.Millisecond}, {200, time.Second}}},
		"no more than come in a second": {10, 50, 65, []admission{{50, 0}, {10, time.Second}, {5, 1500 * time.Millisecond}}},
		"one where that takes longer":   {0.5, 2, 4, []admission{{2, 0}, {1, 2 * time.Second}, {1, 4 * time.Second}}},
		"without an end":                {1e300, 1 << 40, 800, []admission{{400, 0}, {400, 0}}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t, always(200), limited(test.perSecond, test.burst))
				got, err := admitAll(t.Context(), f, test.events)
				require.NoError(t, err)
				assert.Equal(t, test.want, got)
			})
		})
	}
}

// A lone event must not wait until a batch is full.
func TestALoneEventWaitsForItsOwnTurnOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := always(200)
		f := newFixture(t, sink, func(cfg *forwarder.Config) {
			batches(400)(cfg)
			limited(400, 50)(cfg)
		})
		for range 60 {
			_, err := f.Deliver(t.Context(), events(1))
			require.NoError(t, err)
		}
		assert.Equal(t, 25*time.Millisecond, sink.at[59].Round(time.Millisecond), "ten waited 2.5 ms each")
	})
}

func TestStoppingTakesWhatTheRateLimitGrantsAndWaitsForNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, always(200), limited(400, 50))
		_, err := f.poster.admit(t.Context(), 20)
		require.NoError(t, err)
		f.poster.Stop()
		got, err := admitAll(t.Context(), f, 200)
		require.ErrorIs(t, err, ErrStopping)
		assert.Equal(t, []admission{{30, 0}}, got)
	})
}

func TestAStopEndsTheGathering(t *testing.T) {
	for name, test := range map[string]struct {
		end  func(*fixture, context.CancelFunc)
		want error
	}{
		"Stop":        {func(f *fixture, _ context.CancelFunc) { f.poster.Stop() }, ErrStopping},
		"the context": {func(_ *fixture, cancel context.CancelFunc) { cancel() }, context.Canceled},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t, always(200), limited(50, 50))
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				ended := make(chan error, 1)
				go func() {
					_, err := admitAll(ctx, f, 100)
					ended <- err
				}()
				<-time.After(500 * time.Millisecond) // the bubble's clock: half of the second POST is granted
				synctest.Wait()
				asked := time.Now()
				test.end(f, cancel)
				require.ErrorIs(t, <-ended, test.want)
				assert.Equal(t, asked, time.Now())
				assert.InDelta(t, 25, f.poster.limiter.Tokens(), 1e-6, "what waited in vain takes no turn")
			})
		})
	}
}
