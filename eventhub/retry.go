package eventhub

import (
	"context"
	"errors"
	"time"

	"github.com/sirupsen/logrus"
)

// The pause between two tries of what must not be given up doubles between these bounds.
const (
	retryDelayMin = 500 * time.Millisecond
	retryDelayMax = 15 * time.Second
)

// retry calls try until it works, ctx ends, or the partition has gone to somebody else. A run
// that lasted was not part of the trouble, so the pauses begin anew after it.
func retry(ctx context.Context, log logrus.FieldLogger, what string, try func() error) error {
	pause := backoff{next: retryDelayMin}
	for {
		began := time.Now()
		err := try()
		switch {
		case ctx.Err() != nil:
			return nil //nolint:nilerr // ctx says all that the caller wants to know
		case err == nil, errors.Is(err, ErrDisplaced), errors.Is(err, ErrLostRace):
			return err
		}
		if time.Since(began) > retryDelayMax {
			pause.next = retryDelayMin
		}
		log.WithError(err).WithField("delay", pause.next).Warn("cannot " + what + ", trying again")
		if pause.wait(ctx); ctx.Err() != nil {
			return nil //nolint:nilerr // here, too
		}
	}
}

// backoff is the pause between two tries: next, and twice as long each time.
type backoff struct{ next time.Duration }

// wait pauses, or until ctx ends.
func (b *backoff) wait(ctx context.Context) {
	if b.next > 0 {
		select {
		case <-ctx.Done():
		case <-time.After(b.next):
		}
	}
	b.next = min(max(2*b.next, retryDelayMin), retryDelayMax)
}
