package webhook

import (
	"context"
	"fmt"
	"time"

	"aks-audit-log-go/internal/retry"
)

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
