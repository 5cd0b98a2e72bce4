package retry

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestTheNthRetryComesAfterNTimesTheDelay(t *testing.T) {
	plan := Linear{Retries: 5, Step: time.Second}
	for n, want := range []time.Duration{0, 1, 2, 3, 4, 5} {
		assert.Equal(t, want*time.Second, plan.Delay(n))
	}
}

func TestAbsurdSettingsDoNotOverflow(t *testing.T) {
	plan := Linear{Retries: math.MaxInt32, Step: time.Hour}
	assert.Equal(t, time.Duration(math.MaxInt64), plan.Delay(math.MaxInt32))
	assert.Equal(t, 5*time.Minute, plan.ForeverDelay())
}

func TestTheForeverDelayIsTheLongestDelay(t *testing.T) {
	for _, test := range []struct {
		name string
		plan Linear
		want time.Duration
	}{
		{"default settings", Linear{5, time.Second}, 5 * time.Second},
		{"no retries", Linear{0, time.Second}, time.Second},
		{"no delay", Linear{5, 0}, time.Second},
		{"tiny delay", Linear{5, time.Millisecond}, time.Second},
		{"long delay", Linear{10, time.Minute}, 5 * time.Minute},
	} {
		t.Run(test.name, func(t *testing.T) {
			assert.Equal(t, test.want, test.plan.ForeverDelay())
		})
	}
}
