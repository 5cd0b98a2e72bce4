package cli

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

// sameSignal is how long after the first signal further ones count as the same. A stop is often signalled twice: by
// Ctrl-C to the process group and by the program that started this one, or by an init process that passes it on.
const sameSignal = time.Second

// sayLimit bounds how long the last message may take: standard error may be a pipe that nobody reads.
const sayLimit = time.Second

// untilSignal returns a context that is done after SIGTERM or SIGINT. Another signal within sameSignal counts as the
// same. A later one ends the process at once with exit code 1, after say has said so. restore stops catching the
// signals.
func untilSignal(say func(second os.Signal)) (ctx context.Context, restore context.CancelFunc) {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	ctx, stop := context.WithCancel(context.Background()) // it lives as long as the process works
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

// secondSignal calls stop at the first signal, and returns the first one after sameSignal. It returns nil once
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
	for len(signals) > 0 { // they came within sameSignal, while the machine was too busy to look at them
		<-signals
	}
	select {
	case again := <-signals:
		return again
	case <-restored:
		return nil
	}
}

// sayWithin calls say, and returns after the limit even if say does not.
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
