package confirm

import "time"

const (
	// quiet is how long nothing must have been posted before a row of barriers begins: batches prove the same.
	quiet = 100 * time.Millisecond
	// idleTimeout is how long the connection stays open while nothing is posted and nothing waits to be confirmed. It
	// is shorter than what servers allow (Node.js 5 s, most others a minute or more, Falco's plugin no limit), so that
	// the connection is closed on this side. It also soon releases pods that were replaced.
	idleTimeout = 4 * time.Second
	// retryBarrier is how long to wait after a barrier that was not accepted.
	retryBarrier = time.Second
	// maxFailures is how many barriers in a row, the first ones, may fail before the sink counts as one that takes none.
	maxFailures = 3
)

// row is a row of barriers.
type row struct {
	// began is when the last row began, and end the number of the answer of 2xx that completes it.
	began time.Time
	end   int64
	// taken is whether the sink has ever accepted a barrier, and failures how many it has not, before the first.
	taken    bool
	failures int
	// notBefore is when the next barrier may be sent after one that was not accepted.
	notBefore time.Time
}

// Step is what comes next while nothing is posted: after the time, a barrier is to be sent, or the idle connection to
// be closed, or, if neither, Next to be asked again. Without a time there is nothing to do before the next request.
type Step struct {
	After              time.Duration
	Barrier, CloseIdle bool
}

// Next returns what comes next. The caller asks again after each request.
func (t *Tracker) Next() Step {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.confirmByTime()
	switch {
	case t.busy || t.conn.ended != nil && len(t.waiting) == 0:
		return Step{}
	case len(t.waiting) == 0:
		return Step{CloseIdle: true, After: time.Until(t.conn.answered.Add(idleTimeout))}
	case t.proof == byTime:
		return Step{After: max(time.Until(t.waiting[0].since.Add(t.options.ConfirmTime)), time.Millisecond)}
	default:
		return Step{Barrier: true, After: time.Until(t.barrierDue())}
	}
}

// barrierDue returns when the next barrier is to be sent.
func (t *Tracker) barrierDue() time.Time {
	last := t.waiting[len(t.waiting)-1]
	allOut := t.out == len(t.waiting)
	var due time.Time
	switch {
	case t.conn.pushed < t.row.end:
		due = t.conn.answered
	case t.hurried == 0:
		due = t.row.began.Add(t.options.Interval)
	}
	if allOut && t.conn.pushed >= t.row.end {
		due = later(due, last.since.Add(t.options.ConfirmTime))
	}
	if t.hurried == 0 && t.conn.pushed >= t.row.end {
		due = later(due, t.conn.answered.Add(quiet))
	}
	if h := t.habit; h.times >= habitual && !h.announced {
		due = earlier(due, t.conn.answered.Add(max(h.idle/2, quiet)))
	}
	return later(due, t.row.notBefore)
}

// BeginBarrier begins a barrier, and a row of barriers if none is under way. It returns false if no barrier is due.
func (t *Tracker) BeginBarrier() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.busy || len(t.waiting) == 0 || time.Now().Before(t.barrierDue()) {
		return false
	}
	if t.conn.pushed >= t.row.end {
		t.row.began = time.Now()
		t.row.end = max(t.waiting[len(t.waiting)-1].answer+queuedRequests, t.conn.pushed+1)
	}
	t.busy, t.posting = true, nil
	return true
}

// Barrier notes the answer to a barrier that was sent at that time. final is whether the sink will never accept one that
// it did not accept. If that was the first, or the first ones failed, the sink takes none.
func (t *Tracker) Barrier(accepted, final bool, sent time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if accepted {
		t.row.taken = true
		t.push(sent)
		return
	}
	t.row.end = 0
	t.row.failures++
	takesNone := !t.row.taken && (final || t.row.failures >= maxFailures)
	if t.proof == byBarriers && takesNone && !t.options.Insist {
		t.out = len(t.waiting)
		t.weaken(byAnswers, "it does not take an empty JSON array, as Falco does")
	}
	if t.proof == byAnswers {
		t.confirmBy(sent)
		return
	}
	t.row.notBefore = time.Now().Add(retryBarrier)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
