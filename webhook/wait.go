package webhook

import (
	"context"
	"fmt"
	"math"
	"time"

	"aks-audit-log-go/internal/retry"
)

const (
	// minForeverDelay keeps a request that is retried forever from being posted in a tight loop if the settings are
	// zero. One POST a second and partition does not hurt a sink that is down.
	minForeverDelay = time.Second
	// maxForeverDelay keeps a sink that works again from waiting for long if the settings are large.
	maxForeverDelay = 5 * time.Minute
)

// schedule says when a failed POST is retried.
type schedule struct {
	maxRetries int
	// step is how much longer each retry waits than the one before.
	step time.Duration
}

// delay returns how long to wait before the n-th retry, from 1: n times the step. With the default settings the
// attempts start 0, 1, 3, 6, 10 and 15 seconds after the first, if they fail at once.
func (s schedule) delay(n int) time.Duration {
	if n > 0 && s.step > math.MaxInt64/time.Duration(n) {
		return math.MaxInt64
	}
	return time.Duration(n) * s.step
}

// foreverDelay returns how long to wait between two attempts on a request that is retried forever: as long as before
// the last retry, but from one second to five minutes.
func (s schedule) foreverDelay() time.Duration {
	return min(max(s.delay(s.maxRetries), minForeverDelay), maxForeverDelay)
}

// gatherTime is how long a POST may wait for the rate limit to grant more than one event.
const gatherTime = time.Second

// admit waits until the rate limit admits as many of the wanted events as go in one POST, and returns how many these
// are. It returns at once if the limit admits them now, even after Stop, because there is nothing to wait for.
func (p *Poster) admit(ctx context.Context, wanted int) (admitted int, err error) {
	if ctx.Err() != nil {
		return 0, context.Cause(ctx)
	}
	if p.limiter == nil {
		return wanted, nil
	}
	admitted = min(wanted, p.atATime())
	reservation := p.limiter.ReserveN(time.Now(), admitted)
	if delay := reservation.Delay(); delay > 0 {
		if err := p.pause(ctx, delay); err != nil {
			reservation.Cancel()
			return 0, fmt.Errorf("wait for the rate limit: %w", err)
		}
	}
	return admitted, nil
}

// atATime returns how many events a POST waits for under the rate limit: as many as the limit grants at a time, because
// each POST costs much more than an event. These are no more than come in gatherTime, so that no event waits long for
// others, but all that are granted already. After Stop it is only those: a POST that has to wait is not made.
func (p *Poster) atATime() int {
	burst := p.limiter.Burst()
	granted := int(min(p.limiter.Tokens(), float64(burst)))
	gathered := int(min(float64(p.limiter.Limit())*gatherTime.Seconds(), float64(burst)))
	if p.stopping.Err() != nil {
		gathered = 0
	}
	return max(1, granted, gathered)
}

// pause waits for d. It returns the cause if ctx ends first, and ErrStopping if Stop is called first or was called
// before. That holds for a d of 0 too: after a pause there is always another attempt, which must not happen after
// Stop.
func (p *Poster) pause(ctx context.Context, d time.Duration) error {
	if ctx.Err() == nil && p.stopping.Err() != nil {
		return ErrStopping
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(p.stopping, func() { cancel(ErrStopping) })()
	return retry.Sleep(ctx, d)
}
