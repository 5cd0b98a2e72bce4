// Package barrier times barriers: requests with an empty JSON array, which push the requests before them through the
// sink's queue. A row of barriers is long enough to push everything through. Batches push as well, so a row begins
// only when there are none to post, and not too often.
package barrier

import "time"

const (
	// quiet is how long nothing must have been posted before a row begins.
	quiet = 100 * time.Millisecond
	// retryAfter is the wait after a barrier that was not accepted.
	retryAfter = time.Second
	// maxFailures is how many barriers may fail, if none was ever accepted, until the sink counts as taking none.
	maxFailures = 3
)

// Row is a row of barriers.
type Row struct {
	// Interval is CHECKPOINTINTERVAL. At most one row begins in it.
	Interval time.Duration
	// began is when the last row began. end is the number of the 2xx that completes it.
	began time.Time
	end   int64
	// taken is whether the sink has ever accepted a barrier. failures is how many it had not accepted before.
	taken    bool
	failures int
	// notBefore is the earliest time of the next barrier after one that was not accepted.
	notBefore time.Time
}

// Moment is the state that the next barrier depends on.
type Moment struct {
	// Pushed counts the answers of 2xx over the connection. Answered is the time of the last answer.
	Pushed   int64
	Answered time.Time
	// Proves is when a barrier proves something, zero for at once.
	Proves time.Time
	// Hurry is whether to wait for nothing but Proves.
	Hurry bool
	// Closes is whether the sink is about to close the connection.
	Closes bool
	// IdleTime is how long the sink leaves an idle connection open, 0 if unknown.
	IdleTime time.Duration
}

// Due returns when the next barrier is due.
func (r *Row) Due(m Moment) time.Time {
	due := m.Answered
	if m.Pushed >= r.end && !m.Closes {
		if due = m.Proves; !m.Hurry {
			due = latest(due, r.began.Add(r.Interval), m.Answered.Add(quiet))
		}
	}
	if m.IdleTime > 0 { // half of it keeps the connection open
		if kept := m.Answered.Add(max(m.IdleTime/2, quiet)); kept.Before(due) {
			due = kept
		}
	}
	return latest(due, r.notBefore)
}

// Step returns the step that sends the next barrier.
func (r *Row) Step(m Moment) Step {
	return Step{Barrier: true, After: time.Until(r.Due(m)), Row: m.Closes}
}

// Begin begins a barrier. If no row is in progress, it begins one, up to the answer with the number end.
func (r *Row) Begin(m Moment, end int64) {
	if m.Pushed >= r.end {
		r.began, r.end = time.Now(), max(end, m.Pushed+1)
	}
}

// Break ends the row, because nothing is left to push through.
func (r *Row) Break() { r.end = 0 }

// Accepted records that the sink accepted a barrier.
func (r *Row) Accepted() { r.taken = true }

// Refused records that the sink did not accept a barrier. final is whether it never will. Refused reports whether the
// sink takes none: it has never accepted one, and this refusal is final or the third.
func (r *Row) Refused(final bool) (takesNone bool) {
	r.end = 0
	r.failures++
	r.notBefore = time.Now().Add(retryAfter)
	return !r.taken && (final || r.failures >= maxFailures)
}

func latest(times ...time.Time) (last time.Time) {
	for _, t := range times {
		if t.After(last) {
			last = t
		}
	}
	return last
}
