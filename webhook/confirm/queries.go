package confirm

import (
	"time"
)

// Accepted returns the sequence of the last accepted request, 0 before the first.
func (t *Tracker) Accepted() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.accepted
}

// Confirmed returns the sequence up to which all requests are confirmed.
func (t *Tracker) Confirmed() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.confirm(time.Now())
	return t.confirmed
}

// Lost is closed when the session is lost.
func (t *Tracker) Lost() <-chan struct{} { return t.gone }

// Err returns why the session is lost, nil while it is not. The error wraps ErrLost.
func (t *Tracker) Err() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.lost
}

// UntilNextConfirmed returns the time until the next request is confirmed if nothing is posted meanwhile, 0 if there
// is none, or none will be because the tracker is closed.
func (t *Tracker) UntilNextConfirmed() time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return 0
	}
	now := time.Now()
	t.confirm(now)
	return t.untilOldestConfirmed(now)
}

// KeepOpenFor returns how long the idle connection has to stay open, so that its end shows a loss, before the caller
// asks again. It returns 0 if the connection may be closed, or is in use.
func (t *Tracker) KeepOpenFor() time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	t.confirm(now)
	if t.busy || t.closed || t.lost != nil {
		return 0
	}
	return t.untilOldestConfirmed(now)
}

// AbortWith sets what is called when the session is lost; nil removes it. If the session is lost already, abort is
// called at once.
func (t *Tracker) AbortWith(abort func(error)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.abort = abort
	if t.lost != nil && abort != nil {
		abort(t.lost)
	}
}

// Close ends the tracking. Nothing is confirmed or lost afterwards.
func (t *Tracker) Close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.confirm(time.Now())
	t.closed = true
}

// untilOldestConfirmed returns the time until the oldest request is confirmed if nothing is posted meanwhile, 0 if all
// requests are confirmed.
func (t *Tracker) untilOldestConfirmed(now time.Time) time.Duration {
	if len(t.unconfirmed) == 0 {
		return 0
	}
	return max(t.unconfirmed[0].at.Add(t.confirmDelay()).Sub(now), time.Nanosecond)
}

// confirmDelay returns how long the sink has to live on before a request is confirmed. It is ConfirmTime or, if slow
// answers show that the sink is full, longer.
func (t *Tracker) confirmDelay() time.Duration {
	var slowest, second, stuck time.Duration
	var events int64
	for _, one := range t.unconfirmed {
		second = max(second, min(slowest, one.waited))
		slowest = max(slowest, one.waited)
		stuck = max(stuck, one.stuck)
		events = max(events, one.events)
	}
	factor := queueFactor(events)
	if factor > fewAnswers {
		// A full sink would have been slow more than once among so many answers. A single slow answer is more likely a
		// short interruption, on either side. It must not keep a stop from getting everything confirmed.
		slowest = min(slowest, max(second, 2*t.options.ConfirmTime/time.Duration(factor)))
	}
	return max(t.options.ConfirmTime, time.Duration(factor*float64(max(slowest, stuck))))
}

// fewAnswers is the factor up to which even a full sink may answer slowly only once.
const fewAnswers = 4

// queueFactor estimates how many response times a full sink needs to process all that it holds, for requests of that
// many audit events. A full sink answers when its engine has finished a batch, or as many batches as the request
// ahead has.
func queueFactor(events int64) float64 {
	return float64((queuedRequests-1)*events+engineEvents) / float64(max(events, engineEvents))
}
