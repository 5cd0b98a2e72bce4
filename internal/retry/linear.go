package retry

import (
	"math"
	"time"
)

const (
	// minForeverDelay keeps a request that is retried forever from being posted in a tight loop if the settings are
	// zero. One POST a second and partition does not hurt a sink that is down.
	minForeverDelay = time.Second
	// maxForeverDelay keeps a sink that works again from waiting for long if the settings are large.
	maxForeverDelay = 5 * time.Minute
)

// Linear is a delay that grows by a step with each retry of a request.
type Linear struct {
	// Retries is how many there are before a request is given up, or retried forever.
	Retries int
	// Step is how much longer each retry waits than the one before.
	Step time.Duration
}

// Delay returns how long to wait before the n-th retry, from 1: n times the step. With the default settings the
// attempts start 0, 1, 3, 6, 10 and 15 seconds after the first, if they fail at once.
func (l Linear) Delay(n int) time.Duration {
	if n > 0 && l.Step > math.MaxInt64/time.Duration(n) {
		return math.MaxInt64
	}
	return time.Duration(n) * l.Step
}

// ForeverDelay returns how long to wait between two attempts on a request that is retried forever: as long as before
// the last retry, but from one second to five minutes.
func (l Linear) ForeverDelay() time.Duration {
	return min(max(l.Delay(l.Retries), minForeverDelay), maxForeverDelay)
}
