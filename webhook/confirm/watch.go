package confirm

import (
	"errors"
	"time"

	"aks-audit-log-go/httpclient"
	"aks-audit-log-go/webhook/queue"
)

var _ httpclient.Watcher = (*Tracker)(nil)

var (
	// errLeaving is the end of a connection that the sink announced in an answer, as Go's servers do when they stop.
	errLeaving = errors.New("the sink has closed the connection after its answer")
	// errLasts is the loss of what time alone would have confirmed, when that turns out to be too little.
	errLasts = errors.New("the sink has left a connection open after it had closed others")
	// errNothingWaits keeps a barrier from making a connection: what it should prove was lost with the last one.
	errNothingWaits = errors.New("nothing waits to be confirmed over a new connection")
)

// Dialling implements httpclient.Watcher. A barrier needs no new connection, and a session that is lost must not post:
// the lost events come first, in another session.
func (t *Tracker) Dialling() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.busy && t.posting == nil {
		return errNothingWaits
	}
	if t.posting != nil {
		return t.posting.Err()
	}
	return nil
}

// Connected implements httpclient.Watcher.
func (t *Tracker) Connected() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.conn = connection{answered: t.conn.answered}
	t.queue.Connected()
	t.row.Break()
}

// DialFailed implements httpclient.Watcher.
func (t *Tracker) DialFailed(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.habit.Break()
	if t.options.Replay {
		t.lose(err)
	}
}

// Ended implements httpclient.Watcher. Whichever side ended the connection, and for any reason: what waits to be
// confirmed over it can no longer be, unless time alone confirms it, and the sink ends its connections like that.
func (t *Tracker) Ended(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	inGoodOrder := errors.Is(err, httpclient.ErrClosedThere) || errors.Is(err, httpclient.ErrClosedHere)
	switch {
	case t.conn.leaving:
		err = errLeaving
	case !inGoodOrder:
		t.habit.Break()
	case !t.busy && t.queue.Len() > 0:
		t.habit.Idle(time.Since(t.conn.answered))
	}
	t.conn.ended = err
	expected := inGoodOrder && (t.habit.Expected() || !t.options.KeepAlive)
	if t.options.Replay && t.queue.Proof != queue.AtOnce && (t.queue.Proof != queue.ByTime || !expected) {
		t.lose(err)
	}
}

// noteAnnounced counts the end of a connection that the sink has announced. A sink whose connections always end before
// barriers could prove anything leaves time alone to confirm.
func (t *Tracker) noteAnnounced() {
	t.habit.Announced(t.conn.answers)
	if t.queue.Proof < queue.ByTime && t.habit.AlwaysWithin(queue.Requests+1) {
		t.weaken(queue.ByTime, "it closes each connection before its answers could show that Falco has processed anything")
	}
}

// reconsider ends that time alone confirms once a connection lasts longer than they all did. What waits was accepted
// over connections that have ended.
func (t *Tracker) reconsider() {
	if t.queue.Proof == queue.ByTime && t.options.barriersCan() && t.habit.Outlasted(t.conn.answers) {
		t.queue.Proof = queue.ByBarriers
		t.habit.Break()
		t.lose(errLasts)
	}
}
