package webhook

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/forwarder/audit"
)

func TestFiveRefusalsInARowAreTheRequestsFault(t *testing.T) {
	var r refusals
	for range 5 {
		assert.True(t, r.add())
	}
	assert.False(t, r.add(), "the sixth is the endpoint's")
	assert.False(t, r.add())
	r.reset()
	assert.True(t, r.add(), "an accepted body says that the endpoint is right")
}

func TestARefusalNowAndThenIsNoRow(t *testing.T) {
	var r refusals
	for range 100 {
		assert.True(t, r.add())
		r.reset()
	}
}

func TestPartitionsRefusedAtOnceShareTheRow(t *testing.T) {
	var r refusals
	var blamed atomic.Int64
	var partitions sync.WaitGroup
	for range 32 {
		partitions.Go(func() {
			if r.add() {
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
