package cli

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

// sameSignal is how long after the first signal another one counts as the same. A stop is often signalled twice:
// Ctrl-C signals the whole process group, and the program that started this one, or an init process, passes the signal
// on.
const sameSignal = time.Second

// sayLimit bounds how long the last message may take, because standard error may be a pipe that nobody reads.
const sayLimit = time.Second

// untilSignal returns a context that is done after SIGTERM or SIGINT. Another signal within sameSignal counts as the
// same one. A later signal calls say, and then ends the process at once with exit code 1. restore stops catching
// signals.
func untilSignal(say func(second os.Signal)) (ctx context.Context, restore context.CancelFunc) {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	ctx, stop := context.WithCancel(context.Background()) // until the process has done its work
	restored := make(chan struct{})
	go func() {
		if again := secondSignal(signals, stop, restored); again != nil {
			sayWithin(sayLimit, func() { say(again) })
			os.Exit(exitFailed)
		}
	}()
	return ctx, sync.OnceFunc(func() {
		signal.Stop(signals)
		close(restored)
		stop()
	})
}

// secondSignal calls stop at the first signal. It then returns the first signal that comes after sameSignal, or nil if
// restored is closed.
func secondSignal(signals <-chan os.Signal, stop func(), restored <-chan struct{}) os.Signal {
	select {
	case <-signals:
	case <-restored:
		return nil
	}
	stop()
	for same := time.After(sameSignal); same != nil; {
		select {
		case <-signals:
		case <-same:
			same = nil
		case <-restored:
			return nil
		}
	}
	for len(signals) > 0 { // they came within sameSignal, but a busy machine handles them later
		<-signals
	}
	select {
	case again := <-signals:
		return again
	case <-restored:
		return nil
	}
}

// sayWithin calls say, and waits for it up to the limit.
func sayWithin(limit time.Duration, say func()) {
	said := make(chan struct{})
	go func() {
		defer close(said)
		say()
	}()
	select {
	case <-said:
	case <-time.After(limit):
	}
}
