package webhook

import "time"

// What a lane asks its ledger.

func (l *ledger) lastAccepted() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.accepted
}

func (l *ledger) lastSettled() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.settle(time.Now())
	return l.settled
}

func (l *ledger) err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lost
}

// unsettledFor is how long to wait until everything is settled.
func (l *ledger) unsettledFor() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	l.settle(now)
	return l.due(now)
}

// watchedFor is how long an idle connection still has to be watched. A second on top keeps its
// end from coming before the last settling.
func (l *ledger) watchedFor() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	l.settle(now)
	if l.busy || l.closed || len(l.unsettled) == 0 {
		return 0
	}
	return l.due(now) + time.Second
}

// abortWith says what ends the delivery under way on a loss, nil where there is none. Behind a
// loss it is called at once.
func (l *ledger) abortWith(abort func(error)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.abort = abort
	if l.lost != nil && abort != nil {
		abort(l.lost)
	}
}

func (l *ledger) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.settle(time.Now())
	l.closed = true
}
