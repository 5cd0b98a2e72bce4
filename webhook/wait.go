package webhook

import (
	"context"
	"fmt"
	"time"
)

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
