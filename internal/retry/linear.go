package retry

import (
	"math"
	"time"
)

const (
	// minForeverDelay bounds the delay from below if the settings are zero, so that a request that is retried forever
	// is not posted in a tight loop. One POST a second for each partition does not harm a sink that is down.
	minForeverDelay = time.Second
	// maxForeverDelay bounds the delay if the settings are large, so that a sink that works again does not wait for
	// long.
	maxForeverDelay = 5 * time.Minute
)

// Linear is a delay that grows by a step with each retry of a request.
type Linear struct {
	// Retries is how many retries there are before the request is given up, or retried forever.
	Retries int
	// Step is by how much each delay is longer than the one before.
	Step time.Duration
}

// Delay returns the delay before the n-th retry, which is n times the step. The first retry is 1. With the default
// settings, and if all attempts fail at once, they start 0, 1, 3, 6, 10 and 15 seconds after the first.
func (l Linear) Delay(n int) time.Duration {
	if n > 0 && l.Step > math.MaxInt64/time.Duration(n) {
		return math.MaxInt64
	}
	return time.Duration(n) * l.Step
}

// ForeverDelay returns the delay between two attempts on a request that is retried forever. It is the delay before the
// last retry, but at least one second and at most five minutes.
func (l Linear) ForeverDelay() time.Duration {
	return min(max(l.Delay(l.Retries), minForeverDelay), maxForeverDelay)
}
