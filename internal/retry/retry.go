package retry

import (
	"context"
	"errors"
	"time"

	"github.com/sirupsen/logrus"
)

// MinDelay and MaxDelay bound the delay between two attempts of Do.
const (
	MinDelay = 500 * time.Millisecond
	MaxDelay = 15 * time.Second
)

// Sleep waits for d. If ctx ends before, it returns the cause at once.
func Sleep(ctx context.Context, d time.Duration) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Await waits until changed is closed, or for wait if that is above 0. If ctx ends before, it returns the cause.
func Await(ctx context.Context, changed <-chan struct{}, wait time.Duration) error {
	if wait > 0 {
		return Sleep(ctx, wait)
	}
	select {
	case <-changed:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Backoff is a delay that doubles from Min to Max.
type Backoff struct {
	Min, Max time.Duration
	// FirstAtOnce makes the first delay 0, and also the first one after a Reset.
	FirstAtOnce bool

	last    time.Duration
	started bool
}

// Next returns the next delay.
func (b *Backoff) Next() time.Duration {
	if b.started || !b.FirstAtOnce {
		b.last = min(max(2*b.last, b.Min), b.Max)
	}
	b.started = true
	return b.last
}

// Reset makes the next delay the first one again.
func (b *Backoff) Reset() { b.last, b.started = 0, false }

// logInterval is how long Do logs no further failure after it has logged one.
const logInterval = time.Minute

// Do calls try until it succeeds, fails with one of the permanent errors, or ctx ends. The delay between two attempts
// is between MinDelay and MaxDelay. Do logs the first error as "cannot <what>, trying again", and then one a minute
// with the number of failures until then. After an attempt that lasted longer than MaxDelay, the delays start at
// MinDelay again, because it worked for a while before it failed. Do returns nil if ctx has ended.
func Do(ctx context.Context, log logrus.FieldLogger, what string, try func() error, permanent ...error) error {
	delays := Backoff{Min: MinDelay, Max: MaxDelay}
	failures, logged := 0, time.Time{}
	for {
		began := time.Now()
		err := try()
		switch {
		case ctx.Err() != nil:
			return nil //nolint:nilerr // the caller learns from ctx all that it has to know
		case err == nil, isAny(err, permanent):
			return err
		}
		if time.Since(began) > MaxDelay {
			delays.Reset()
			failures = 0
		}
		delay := delays.Next()
		if failures++; logged.IsZero() || time.Since(logged) >= logInterval {
			log.WithError(err).WithField("failures", failures).WithField("delay", delay).Warn("cannot " + what + ", trying again")
			logged = time.Now()
		}
		if Sleep(ctx, delay) != nil {
			return nil //nolint:nilerr // here, too
		}
	}
}

// isAny reports whether err is one of the targets.
func isAny(err error, targets []error) bool {
	for _, target := range targets {
		if errors.Is(err, target) {
			return true
		}
	}
	return false
}
