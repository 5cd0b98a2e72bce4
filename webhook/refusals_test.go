package webhook

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestFiveRefusalsInARowAreTheBodiesFault(t *testing.T) {
	var r refusals
	for range 5 {
		assert.True(t, r.refused())
	}
	assert.False(t, r.refused(), "the sixth is the endpoint's")
	assert.False(t, r.refused())
	r.accepted()
	assert.True(t, r.refused(), "an accepted body says that the endpoint is right")
}

func TestARefusalNowAndThenIsNoRow(t *testing.T) {
	var r refusals
	for range 100 {
		assert.True(t, r.refused())
		r.accepted()
	}
}

func TestPartitionsRefusedAtOnceShareTheRow(t *testing.T) {
	var r refusals
	var blamed atomic.Int64
	var partitions sync.WaitGroup
	for range 32 {
		partitions.Go(func() {
			if r.refused() {
				blamed.Add(1)
			}
		})
	}
	partitions.Wait()
	assert.EqualValues(t, maxRefusals, blamed.Load())
}
