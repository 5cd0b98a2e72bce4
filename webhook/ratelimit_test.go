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
