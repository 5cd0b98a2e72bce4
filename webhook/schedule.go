package webhook

import (
	"math"
	"time"
)

const (
	// minHold keeps a held body from being posted in a tight loop where the settings are
	// zero: once a second and partition does not hurt a sink that is down.
	minHold = time.Second
	// maxHold keeps a sink that is back from waiting for long where the settings are large.
	maxHold = 5 * time.Minute
)

// schedule says when a POST that failed is repeated.
type schedule struct {
	maxRetries int
	// step is how much longer each retry waits than the one before.
	step time.Duration
}

// before is how long to wait before the n-th retry, from 1: n times the step. With the default
// settings the attempts start 0, 1, 3, 6, 10 and 15 seconds after the first, if they fail at once.
func (s schedule) before(n int) time.Duration {
	if n > 0 && s.step > math.MaxInt64/time.Duration(n) {
		return math.MaxInt64
	}
	return time.Duration(n) * s.step
}

// hold is how long to wait between two attempts on a body whose retries are used up: as long
// as before the last retry, but from one second to five minutes.
func (s schedule) hold() time.Duration {
	return min(max(s.before(s.maxRetries), minHold), maxHold)
}
