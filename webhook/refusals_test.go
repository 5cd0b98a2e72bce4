package webhook

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/forwarder/audit"
)

// strict is a sink that refuses these audit events, and answers an empty list with a status.
func strict(emptyList int, refused func(n int) bool) *script {
	s := &script{}
	s.answer = func(int, *http.Request) (*http.Response, error) {
		s.mu.Lock()
		last := s.got[len(s.got)-1]
		s.mu.Unlock()
		var n int
		if _, err := fmt.Sscanf(last, `{"kind":"Event","auditID":"id-%d"}`, &n); err != nil {
			return saying(emptyList)
		}
		if refused(n) {
			return saying(400)
		}
		return saying(200)
	}
	return s
}

func TestRefusedEventsInARowDoNotStopAPartitionWhoseSinkTakesAnEmptyList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := strict(200, func(n int) bool { return n > 0 && n <= 100 })
		f := newFixture(t, sink, nil)
		outcomes, err := f.Deliver(t.Context(), events(102))
		require.NoError(t, err)
		for n, outcome := range outcomes {
			want := audit.DeadLettered
			if n == 0 || n == 101 {
				want = audit.Delivered
			}
			assert.Equal(t, want, outcome.Verdict, n)
		}
		assert.Zero(t, sink.at[len(sink.at)-1], "nothing waited")
		assert.Len(t, sink.got, 102+100-maxRefusals, "and an empty list after each refusal from the sixth on")
		ready, why := f.health.Ready()
		assert.True(t, ready, why)
		assert.Zero(t, f.poster.refusals.inARow.Load())
	})
}

func TestASinkThatTakesAnEmptyListButNoEventIsHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		right := false
		f := newFixture(t, strict(200, func(int) bool { return !right }), nil)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		outcomes, err := f.Deliver(ctx, events(maxProvenRefusals+10))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Len(t, outcomes, maxProvenRefusals)
		_, why := f.health.Ready()
		assert.Contains(t, why, "as to 500 others in a row, so the endpoint seems to be wrong")
		right = true
		outcomes, err = f.Deliver(t.Context(), events(3))
		require.NoError(t, err)
		assert.Equal(t, delivered(3), outcomes)
	})
}

func TestASinkThatTakesNoEmptyListIsHeldAfterFiveRefusals(t *testing.T) {
	for _, status := range []int{400, 413, 503} {
		synctest.Test(t, func(t *testing.T) {
			f := newFixture(t, strict(status, func(int) bool { return true }), nil)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			outcomes, err := f.Deliver(ctx, events(10))
			require.ErrorIs(t, err, context.DeadlineExceeded)
			assert.Len(t, outcomes, maxRefusals)
			_, why := f.health.Ready()
			assert.Contains(t, why, "and it does not take an empty EventList either, so the endpoint seems to be wrong")
			_, bytes := f.poster.link.pace.Limits()
			assert.Equal(t, 1<<20, bytes, "the empty list says nothing about the size of others")
		})
	}
}

func TestPartitionsRefusedAtOnceShareTheRow(t *testing.T) {
	var r refusals
	var blamed atomic.Int64
	var partitions sync.WaitGroup
	for range 32 {
		partitions.Go(func() {
			if r.add() <= maxRefusals {
				blamed.Add(1)
			}
		})
	}
	partitions.Wait()
	assert.EqualValues(t, maxRefusals, blamed.Load())
}

func TestForgottenRefusalsAreNoneInARow(t *testing.T) {
	f := newFixture(t, always(400), drop)
	for n := range 2 * maxRefusals {
		outcomes, err := f.Deliver(t.Context(), []audit.Event{event(n)})
		require.NoError(t, err)
		assert.Equal(t, audit.DeadLettered, outcomes[0].Verdict)
		f.poster.ForgetRefusals()
	}
}
