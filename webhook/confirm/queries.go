package confirm

import (
	"time"
)

// What a lane asks its ledger.

func (l *Tracker) Accepted() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.accepted
}

func (l *Tracker) Confirmed() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.confirm(time.Now())
	return l.confirmed
}

func (l *Tracker) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lost
}

// unsettledFor is how long to wait until more is settled, 0 where everything is.
func (l *Tracker) UntilConfirmed() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return 0
	}
	now := time.Now()
	l.confirm(now)
	return l.due(now)
}

// watchedFor is how long an idle connection still has to be watched before that is asked again, 0
// where it is not.
func (l *Tracker) UntilUnwatched() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	l.confirm(now)
	if l.busy || l.closed || l.lost != nil {
		return 0
	}
	return l.due(now)
}

// abortWith says what ends the delivery under way on a loss, nil where there is none. Behind a
// loss it is called at once.
func (l *Tracker) AbortWith(abort func(error)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.abort = abort
	if l.lost != nil && abort != nil {
		abort(l.lost)
	}
}

func (l *Tracker) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.confirm(time.Now())
	l.closed = true
}
