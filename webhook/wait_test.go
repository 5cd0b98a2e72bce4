package webhook

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestTheNthRetryComesAfterNTimesTheDelay(t *testing.T) {
	plan := schedule{maxRetries: 5, step: time.Second}
	for n, want := range []time.Duration{0, 1, 2, 3, 4, 5} {
		assert.Equal(t, want*time.Second, plan.delay(n))
	}
}

func TestAbsurdSettingsDoNotOverflow(t *testing.T) {
	plan := schedule{maxRetries: math.MaxInt32, step: time.Hour}
	assert.Equal(t, time.Duration(math.MaxInt64), plan.delay(math.MaxInt32))
	assert.Equal(t, 5*time.Minute, plan.foreverDelay())
}

func TestTheForeverDelayIsTheLongestDelay(t *testing.T) {
	for _, test := range []struct {
		name string
		plan schedule
		want time.Duration
	}{
		{"default settings", schedule{5, time.Second}, 5 * time.Second},
		{"no retries", schedule{0, time.Second}, time.Second},
		{"no delay", schedule{5, 0}, time.Second},
		{"tiny delay", schedule{5, time.Millisecond}, time.Second},
		{"long delay", schedule{10, time.Minute}, 5 * time.Minute},
	} {
		t.Run(test.name, func(t *testing.T) {
			assert.Equal(t, test.want, test.plan.foreverDelay())
		})
	}
}
