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
	delay := retryDelayMin
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
			delay = retryDelayMin
		}
		log.WithError(err).WithField("delay", delay).Warn("cannot " + what + ", trying again")
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(delay):
		}
		delay = min(2*delay, retryDelayMax)
	}
}
