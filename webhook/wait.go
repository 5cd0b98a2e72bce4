package webhook

import (
	"context"
	"fmt"
	"time"

	"aks-audit-log-go/internal/retry"
)

// gatherTime is how long a POST may wait until the rate limit grants more than one event.
const gatherTime = time.Second

// admit waits until the rate limit admits as many of the wanted events as go in one POST, and returns their number. It
// returns at once, even after Stop, if the limit admits them now.
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

// atATime returns how many events a POST waits for under the rate limit. A POST costs much more than an event, so it
// waits until the limit grants several. These are at most what it grants in gatherTime, so that no event waits long. A
// POST takes more if they are granted already. After Stop it waits for none.
func (p *Poster) atATime() int {
	burst := p.limiter.Burst()
	granted := int(min(p.limiter.Tokens(), float64(burst)))
	gathered := int(min(float64(p.limiter.Limit())*gatherTime.Seconds(), float64(burst)))
	if p.stopping.Err() != nil {
		gathered = 0
	}
	return max(1, granted, gathered)
}

// pause waits for d. It returns the cause if ctx ends first, and ErrStopping if Stop is or was called. That holds for
// d = 0 too, because an attempt follows each pause, and there must be none after Stop.
func (p *Poster) pause(ctx context.Context, d time.Duration) error {
	if ctx.Err() == nil && p.stopping.Err() != nil {
		return ErrStopping
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(p.stopping, func() { cancel(ErrStopping) })()
	return retry.Sleep(ctx, d)
}
