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
	// errLasts is the loss of what time alone would have confirmed, once that turns out to be too little evidence.
	errLasts = errors.New("the sink has left a connection open after it had closed others")
	// errNothingWaits keeps a barrier from making a connection: what it should prove was lost with the last one.
	errNothingWaits = errors.New("nothing waits to be confirmed over a new connection")
)

// Dialling implements httpclient.Watcher. It forbids a connection for a barrier, and for a lost session: the lost
// events must go first, in another session.
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

// Ended implements httpclient.Watcher. Whichever side ended the connection, and why, what is unconfirmed over it is
// lost. The exception is a sink that always ends its connections like that, so that time alone confirms.
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

// noteAnnounced counts an announced end of a connection. If connections always end before barriers could prove
// anything, time alone confirms from then on.
func (t *Tracker) noteAnnounced() {
	t.habit.Announced(t.conn.answers)
	if t.queue.Proof < queue.ByTime && t.habit.AlwaysWithin(queue.Requests+1) {
		t.weaken(queue.ByTime, "it closes each connection before its answers could show that Falco has processed anything")
	}
}

// reconsider ends confirmation by time alone once a connection lasts longer than all before. The unconfirmed requests
// were accepted over connections that have ended, so they are lost.
func (t *Tracker) reconsider() {
	if t.queue.Proof == queue.ByTime && t.options.barriersCan() && t.habit.Outlasted(t.conn.answers) {
		t.queue.Proof = queue.ByBarriers
		t.habit.Break()
		t.lose(errLasts)
	}
}
