// Package barrier times barriers: requests with an empty JSON array, which push through the sink's queue what stands
// before them. They go in rows, long enough to push everything through. Batches push as well, so a row begins when
// there are none to post, and not too often.
package barrier

import "time"

const (
	// quiet is how long nothing must have been posted before a row begins.
	quiet = 100 * time.Millisecond
	// retryAfter is how long to wait after a barrier that was not accepted.
	retryAfter = time.Second
	// maxFailures is how many barriers in a row, the first ones, may fail before the sink counts as one that takes
	// none.
	maxFailures = 3
)

// Row is a row of barriers.
type Row struct {
	// Interval is CHECKPOINTINTERVAL: a row begins at most once in it.
	Interval time.Duration
	// began is when the last row began, and end the number of the answer of 2xx that completes it.
	began time.Time
	end   int64
	// taken is whether the sink has ever accepted a barrier, and failures how many it has not, before the first.
	taken    bool
	failures int
	// notBefore is when the next barrier may be sent after one that was not accepted.
	notBefore time.Time
}

// Moment is what the next barrier depends on.
type Moment struct {
	// Pushed counts the answers of 2xx over the connection, and Answered is when the last answer came.
	Pushed   int64
	Answered time.Time
	// Proves is when a barrier proves something, zero for at once.
	Proves time.Time
	// Hurry is whether to wait for nothing else.
	Hurry bool
	// Closes is whether the sink is about to close the connection.
	Closes bool
	// IdleTime is after how long the sink closes an idle connection, 0 if that is not known.
	IdleTime time.Duration
}

// Due returns when the next barrier is to be sent.
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

// Step returns the step that sends it.
func (r *Row) Step(m Moment) Step {
	return Step{Barrier: true, After: time.Until(r.Due(m)), Row: m.Closes}
}

// Begin notes that a barrier begins. If no row is under way, one does, up to the answer with the number end.
func (r *Row) Begin(m Moment, end int64) {
	if m.Pushed >= r.end {
		r.began, r.end = time.Now(), max(end, m.Pushed+1)
	}
}

// Break ends the row: there is nothing to push through any more.
func (r *Row) Break() { r.end = 0 }

// Accepted notes that the sink accepted a barrier.
func (r *Row) Accepted() { r.taken = true }

// Refused notes that it did not. final is whether it never will. Refused reports whether the sink takes no barriers: it
// has accepted none yet, and this is final or the third.
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
