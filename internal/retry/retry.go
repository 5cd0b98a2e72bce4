package retry

import (
	"context"
	"errors"
	"time"

	"github.com/sirupsen/logrus"

	"aks-audit-log-go/eventhub"
)

// The pause between two tries of what must not be given up doubles between these bounds.
const (
	retryDelayMin = 500 * time.Millisecond
	retryDelayMax = 15 * time.Second
)

// retry calls try until it works, ctx ends, or the partition has gone to somebody else. A run
// that lasted was not part of the trouble, so the pauses begin anew after it.
func Do(ctx context.Context, log logrus.FieldLogger, what string, try func() error) error {
	pause := Backoff{Next: retryDelayMin}
	for {
		began := time.Now()
		err := try()
		switch {
		case ctx.Err() != nil:
			return nil //nolint:nilerr // ctx says all that the caller wants to know
		case err == nil, errors.Is(err, eventhub.ErrDisplaced), errors.Is(err, eventhub.ErrConflict):
			return err
		}
		if time.Since(began) > retryDelayMax {
			pause.Next = retryDelayMin
		}
		log.WithError(err).WithField("delay", pause.Next).Warn("cannot " + what + ", trying again")
		if pause.Wait(ctx); ctx.Err() != nil {
			return nil //nolint:nilerr // here, too
		}
	}
}

// backoff is the pause between two tries: next, and twice as long each time.
type Backoff struct{ Next time.Duration }

// wait pauses, or until ctx ends.
func (b *Backoff) Wait(ctx context.Context) {
	if b.Next > 0 {
		select {
		case <-ctx.Done():
		case <-time.After(b.Next):
		}
	}
	b.Next = min(max(2*b.Next, retryDelayMin), retryDelayMax)
}
