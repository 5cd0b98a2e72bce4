package confirm

import (
	"errors"
	"io"
	"time"

	"aks-audit-log-go/httpclient"
)

var _ httpclient.Watcher = (*Tracker)(nil)

var (
	// errLeaving is the end of a connection that the sink announced in an answer, as Go's servers do when they stop.
	errLeaving = errors.New("the sink has closed the connection behind its answer")
	// errDropped is the end of a connection that shows as io.EOF.
	errDropped = errors.New("the sink has closed the connection")
	// errLasts is the loss of what time alone would have confirmed, when that turns out to be too little.
	errLasts = errors.New("the sink has left a connection open after it had closed others")
	// errNothingWaits keeps a barrier from making a connection: what it should prove was lost with the last one.
	errNothingWaits = errors.New("nothing waits to be confirmed over a new connection")
)

const (
	// habitual is how many ends in a row, all alike, are a habit of the sink.
	habitual = 3
	// certain is how many ends in a row, announced behind the same number of answers, leave time alone to confirm. It
	// is more than habitual, because a sink that ends is believed from then on.
	certain = 5
	// alike is how much the idle times before two ends that are alike may differ.
	alike = 250 * time.Millisecond
)

// habit is how connections end that the sink closes in good order: announced after so many answers, or idle for so
// long. While barriers prove what is confirmed, a habit makes nothing believed: barriers are sent earlier.
type habit struct {
	announced bool
	answers   int
	idle      time.Duration
	// times is how many ends in a row were like that.
	times int
}

// note counts an end.
func (h *habit) note(end habit) {
	like := h.announced == end.announced && (!end.announced || h.answers == end.answers) && (h.idle-end.idle).Abs() <= alike
	if !like {
		h.times = 0
	}
	end.times = h.times + 1
	*h = end
}

// Dialling implements httpclient.Watcher. A barrier needs no new connection, and a session that is lost must not post:
// the lost events come first, in another session.
func (t *Tracker) Dialling() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.busy && t.posting == nil {
		return errNothingWaits
	}
	if t.posting != nil {
		return t.posting.lost
	}
	return nil
}

// Connected implements httpclient.Watcher.
func (t *Tracker) Connected() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.conn = connection{answered: t.conn.answered}
	t.row.end = 0
}

// DialFailed implements httpclient.Watcher.
func (t *Tracker) DialFailed(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.habit.times = 0
	if t.options.Replay {
		t.lose(err)
	}
}

// Ended implements httpclient.Watcher. Whoever ended the connection, and why ever: what waits to be confirmed over it
// can no longer be.
func (t *Tracker) Ended(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	inGoodOrder := errors.Is(err, io.EOF) || errors.Is(err, httpclient.ErrClosedHere)
	switch {
	case t.conn.leaving:
		err = errLeaving
		t.noteAnnounced()
	case inGoodOrder && !t.busy && len(t.waiting) > 0:
		t.habit.note(habit{idle: time.Since(t.conn.answered)})
	case !inGoodOrder:
		t.habit.times = 0
	}
	if errors.Is(err, io.EOF) {
		err = errDropped
	}
	t.conn.ended = err
	if t.believed(inGoodOrder) {
		return
	}
	t.lose(err)
}

// noteAnnounced counts the end of a connection that the sink had announced. A sink whose connections always end before
// barriers could prove anything leaves time alone to confirm.
func (t *Tracker) noteAnnounced() {
	t.habit.note(habit{announced: true, answers: t.conn.answers})
	if h := t.habit; h.times >= certain && h.answers <= queuedRequests+1 && t.proof < byTime {
		t.gaveUp = t.proof
		t.weaken(byTime, "it closes each connection before its answers could show that Falco has used anything")
	}
}

// reconsider ends that time alone confirms once a connection lasts longer than they all did. What waits was accepted
// over connections that have ended.
func (t *Tracker) reconsider() {
	h := t.habit
	if t.proof != byTime || !t.barriersCan() || !h.announced || t.conn.answers <= h.answers {
		return
	}
	t.proof, t.habit.times = t.gaveUp, 0
	t.lose(errLasts)
}

// believed reports whether the end of a connection says nothing about the sink, since time alone confirms.
func (t *Tracker) believed(inGoodOrder bool) bool {
	if !t.options.Replay || t.proof == atOnce {
		return true
	}
	if t.proof != byTime || !inGoodOrder {
		return false
	}
	return !t.options.KeepAlive || !t.habit.announced && t.habit.times >= habitual || t.habit.times >= certain
}
