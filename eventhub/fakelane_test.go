package eventhub

import (
	"context"
	"errors"
	"sync"
	"time"

	"aks-audit-log-go/forwarder"
)

var errMemorySinkLost = errors.New("connection refused")

// memoryLane is a way to a memorySink.
type memoryLane struct {
	*memorySink
	lost chan struct{}

	// kept is what the sink said of an event that is to be the first of a call.
	kept *forwarder.Outcome

	guard   sync.Mutex
	at      []time.Time // when each body was accepted
	settled int64
	closed  bool
}

func (l *memoryLane) Deliver(ctx context.Context, events []forwarder.AuditEvent) (all forwarder.Outcome, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case <-l.lost:
			cancel(errMemorySinkLost)
		case <-ctx.Done():
		}
	}()
	l.mu.Lock()
	l.offered = append(l.offered, len(events))
	l.mu.Unlock()
	if err := l.hesitate(ctx); err != nil {
		return all, err
	}
	events = events[:min(len(events), max(1, l.atATime))]
	for _, event := range events {
		outcome := l.kept
		if l.kept = nil; outcome == nil {
			if err := l.pass(ctx); err != nil {
				return all, err
			}
			said := l.take(event)
			outcome = &said
		}
		switch {
		case outcome.Verdict == forwarder.Delivered:
			l.accept()
		case all.Events > 0: // all before it were delivered
			l.kept = outcome
			return all, nil
		case outcome.Verdict == forwarder.Dropped:
			outcome.Events = len(events) // with all that is in its POST
			return *outcome, nil
		default:
			outcome.Events = 1
			return *outcome, nil
		}
		all.Verdict = forwarder.Delivered
		all.Events++
	}
	return all, nil
}

func (l *memoryLane) hesitate(ctx context.Context) error {
	if l.latency == nil {
		return nil
	}
	// Timers that are due at once, of several goroutines in one bubble, can crash the race detector of Go 1.26: they are
	// run where they are waited for, all in one race context (runtime, timer.unlockAndRun).
	latency := max(l.latency(), time.Nanosecond)
	select {
	case <-time.After(latency):
	case <-ctx.Done():
	}
	return context.Cause(ctx)
}

func (l *memoryLane) accept() {
	l.guard.Lock()
	defer l.guard.Unlock()
	l.at = append(l.at, time.Now())
}

func (l *memoryLane) Accepted() int64 {
	l.guard.Lock()
	defer l.guard.Unlock()
	return int64(len(l.at))
}

func (l *memoryLane) Settled() int64 {
	l.guard.Lock()
	defer l.guard.Unlock()
	for l.Err() == nil && !l.closed && l.settled < int64(len(l.at)) && time.Since(l.at[l.settled]) >= l.settleTime {
		l.settled++
	}
	return l.settled
}

func (l *memoryLane) Settle(ctx context.Context) error {
	for l.Settled() < l.Accepted() {
		select {
		case <-time.After(l.settleTime):
		case <-l.lost:
			return l.Err()
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// lose loses what is not settled, if there is anything.
func (l *memoryLane) lose() {
	if l.Settled() == l.Accepted() || l.Err() != nil {
		return
	}
	l.guard.Lock()
	defer l.guard.Unlock()
	if !l.closed {
		close(l.lost)
	}
}

func (l *memoryLane) Lost() <-chan struct{} { return l.lost }

func (l *memoryLane) Err() error {
	select {
	case <-l.lost:
		return errMemorySinkLost
	default:
		return nil
	}
}

func (l *memoryLane) Close() {
	l.Settled()
	l.guard.Lock()
	defer l.guard.Unlock()
	l.closed = true
}
