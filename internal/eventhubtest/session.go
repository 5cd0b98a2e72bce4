package eventhubtest

import (
	"context"
	"errors"
	"sync"
	"time"

	"aks-audit-log-go/forwarder/audit"
)

var errMemorySinkLost = errors.New("connection refused")

// memoryLane is a way to a memorySink.
type Session struct {
	*Sink
	LostSignal chan struct{}

	// kept is what the sink said of an event that is to be the first of a call.
	nextOutcome *audit.Outcome

	guard         sync.Mutex
	at            []time.Time // when each body was accepted
	ConfirmedUpTo int64
	closed        bool
}

func (l *Session) Deliver(ctx context.Context, events []audit.Event) (all audit.Outcome, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case <-l.LostSignal:
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
	events = events[:min(len(events), max(1, l.AtATime))]
	for _, event := range events {
		outcome := l.nextOutcome
		if l.nextOutcome = nil; outcome == nil {
			if err := l.pass(ctx); err != nil {
				return all, err
			}
			said := l.take(event)
			outcome = &said
		}
		switch {
		case outcome.Verdict == audit.Delivered:
			l.Accept()
		case all.Events > 0: // all before it were delivered
			l.nextOutcome = outcome
			return all, nil
		case outcome.Verdict == audit.Dropped:
			outcome.Events = len(events) // with all that is in its POST
			return *outcome, nil
		default:
			outcome.Events = 1
			return *outcome, nil
		}
		all.Verdict = audit.Delivered
		all.Events++
	}
	return all, nil
}

func (l *Session) hesitate(ctx context.Context) error {
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

func (l *Session) Accept() {
	l.guard.Lock()
	defer l.guard.Unlock()
	l.at = append(l.at, time.Now())
}

func (l *Session) Accepted() int64 {
	l.guard.Lock()
	defer l.guard.Unlock()
	return int64(len(l.at))
}

func (l *Session) Confirmed() int64 {
	l.guard.Lock()
	defer l.guard.Unlock()
	for l.Err() == nil && !l.closed && l.ConfirmedUpTo < int64(len(l.at)) && time.Since(l.at[l.ConfirmedUpTo]) >= l.ConfirmTime {
		l.ConfirmedUpTo++
	}
	return l.ConfirmedUpTo
}

func (l *Session) Confirm(ctx context.Context) error {
	for l.Confirmed() < l.Accepted() {
		select {
		case <-time.After(l.ConfirmTime):
		case <-l.LostSignal:
			return l.Err()
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// lose loses what is not settled, if there is anything.
func (l *Session) lose() {
	if l.Confirmed() == l.Accepted() || l.Err() != nil {
		return
	}
	l.guard.Lock()
	defer l.guard.Unlock()
	if !l.closed {
		close(l.LostSignal)
	}
}

func (l *Session) Lost() <-chan struct{} { return l.LostSignal }

func (l *Session) Err() error {
	select {
	case <-l.LostSignal:
		return errMemorySinkLost
	default:
		return nil
	}
}

func (l *Session) Close() {
	l.Confirmed()
	l.guard.Lock()
	defer l.guard.Unlock()
	l.closed = true
}
