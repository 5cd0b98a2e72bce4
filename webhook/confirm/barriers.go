package confirm

import (
	"time"

	"aks-audit-log-go/webhook/barrier"
	"aks-audit-log-go/webhook/queue"
)

// Next returns the next step. The caller asks again after each request.
func (t *Tracker) Next() barrier.Step {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.confirmByTime()
	switch {
	case t.busy || t.conn.ended != nil && t.queue.Len() == 0:
		return barrier.Step{}
	case t.queue.Len() == 0:
		return barrier.Step{CloseIdle: true, After: time.Until(t.conn.answered.Add(barrier.IdleTimeout))}
	case t.queue.Proof == queue.ByTime:
		return barrier.Step{After: max(time.Until(t.queue.Until()), time.Millisecond)}
	default:
		return t.row.Step(t.moment())
	}
}

func (t *Tracker) moment() barrier.Moment {
	hurry := t.hurried > 0
	return barrier.Moment{
		Pushed: t.queue.Pushed, Answered: t.conn.answered, Hurry: hurry, IdleTime: t.habit.IdleTime(),
		Proves: t.queue.Settles(hurry), Closes: t.habit.ClosesWithin(queue.Requests+1, t.conn.answers),
	}
}

// BeginBarrier begins a barrier, or returns false if none is due.
func (t *Tracker) BeginBarrier() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.busy || t.queue.Len() == 0 {
		return false
	}
	m := t.moment()
	if time.Now().Before(t.row.Due(m)) {
		return false
	}
	t.row.Begin(m, t.queue.Completes())
	t.busy, t.posting = true, nil
	return true
}

// Barrier records the answer to a barrier and when the barrier was sent. If it was not accepted, final is whether it
// never will be. If the sink has never accepted one, a final refusal or repeated failures mean that it takes none.
func (t *Tracker) Barrier(accepted, final bool, sent time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if accepted {
		t.row.Accepted()
		_, confirmed := t.queue.Push(sent, t.hurried > 0)
		t.confirm(confirmed)
		return
	}
	takesNone := t.row.Refused(final)
	if t.queue.Proof == queue.ByBarriers && takesNone && !t.options.Insist {
		t.queue.AllOut()
		t.weaken(queue.ByAnswers, "it does not take an empty JSON array, as Falco does")
	}
	if t.queue.Proof == queue.ByAnswers {
		t.confirm(t.queue.Answered(sent, t.hurried > 0))
	}
}
