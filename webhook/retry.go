package webhook

import (
	"context"
	"fmt"
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

// admit waits until the rate limit lets an event through and returns how many go with it at
// once, of those wanted: a batch does not wait for more.
func (p *Poster) admit(ctx context.Context, wanted int) (admitted int, err error) {
	if ctx.Err() != nil {
		return 0, context.Cause(ctx)
	}
	if p.limiter == nil {
		return wanted, nil
	}
	if err := p.admitOne(ctx); err != nil {
		return 0, fmt.Errorf("wait for the rate limit: %w", err)
	}
	admitted = 1
	for admitted < wanted && p.limiter.Allow() {
		admitted++
	}
	return admitted, nil
}

// admitOne goes ahead at once where the limit has room, even while the daemon is stopping:
// nothing is waited for.
func (p *Poster) admitOne(ctx context.Context) error {
	reservation := p.limiter.Reserve()
	delay := reservation.Delay()
	if delay == 0 {
		return nil
	}
	if err := p.pause(ctx, delay); err != nil {
		reservation.Cancel()
		return err
	}
	return nil
}

// pause waits for d, or until ctx has ended or the daemon is stopping, which it returns as an
// error. It does so for a d of 0 too: after a pause there is always another attempt, and that
// is what a daemon that stops does not make.
func (p *Poster) pause(ctx context.Context, d time.Duration) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	select {
	case <-p.stop:
		return ErrStopping
	default:
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-p.stop:
		return ErrStopping
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
