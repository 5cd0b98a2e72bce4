package confirm

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// ErrLost means that the sink may have lost requests that it had accepted in a session.
var ErrLost = errors.New("the sink was lost with what it had accepted")

var (
	errClosed = errors.New("the session is closed")
	// errLeaving is the end of a connection that the sink announced in an answer, as Go's servers do when they stop.
	errLeaving = errors.New("the sink has closed the connection behind its answer")
	// errDropped is the end of a connection that shows as io.EOF.
	errDropped = errors.New("the sink has closed the connection")
)

// Falco answers 200 before it processes a request. If it dies, it loses the requests in its queue, the request that is
// being parsed, and the batch of events that its engine works on.
const (
	// queuedRequests is the most requests that Falco can hold: 50 in the queue, one that is being parsed, and one
	// that is answered and dropped when the plugin closes its queue before it closes its connections.
	queuedRequests = 52
	// engineEvents is how many events the engine takes at once (DefaultBatchSize of Falco's plugin SDK). It takes more
	// only after it has processed them.
	engineEvents = 128
)

// Options configures a Tracker.
type Options struct {
	// ConfirmTime is SINKSETTLETIME: how long the sink must live on before a request is confirmed. 0 confirms a
	// request as soon as it is accepted.
	ConfirmTime time.Duration
	// Replay is SINKREPLAY. Without it nothing counts as lost.
	Replay bool
	// KeepAlive is KEEPALIVE: whether connections are reused.
	KeepAlive bool
	// IdleCloses is shared by all sessions with the sink.
	IdleCloses *IdleCloses
}

// Tracker knows which of the accepted requests of a session are confirmed, and notices when the others may be lost.
// It is the httpclient.Watcher of the session. Each accepted request has a sequence, counted from 1. Time is compared
// only when a method is called, so a Tracker needs no goroutine and no timers. It is safe for concurrent use.
type Tracker struct {
	options Options
	// gone is closed when the session is lost.
	gone chan struct{}

	mu sync.Mutex
	// accepted and confirmed are the sequences of the last request that is accepted, and confirmed. unconfirmed holds
	// the requests in between, the oldest first.
	accepted, confirmed int64
	unconfirmed         []acceptedRequest
	// events counts the audit events of all accepted requests.
	events int64
	// busy is whether a request is being delivered. abort ends that delivery when the session is lost.
	busy  bool
	abort func(error)
	// answered is when the sink last answered anything.
	answered time.Time
	// conn is the current connection, or the last one.
	conn connection
	// lost is why the session is lost, nil while it is not.
	lost   error
	closed bool
}

// acceptedRequest is a request that the sink accepted and that is not confirmed yet.
type acceptedRequest struct {
	at time.Time
	// events is how many audit events the request holds, total how many were accepted up to its end.
	events, total int64
	// waited is how long the answer took.
	waited time.Duration
	// stuck is the longest wait for an answer that never came, of the requests sent after this one.
	stuck time.Duration
}

// connection is a connection to the sink.
type connection struct {
	// acceptedBefore is how many requests had been accepted when the connection was made, and eventsBefore how many
	// audit events they held.
	acceptedBefore, eventsBefore int64
	// answers is how many answers came over it.
	answers int
	// leaving is set once the sink has announced that it closes the connection.
	leaving bool
	// ended is how the connection ended, nil while it has not, or if the session ended it.
	ended error
}

// NewTracker returns the tracker of a new session.
func NewTracker(options Options) *Tracker {
	return &Tracker{options: options, gone: make(chan struct{})}
}

// Begin notes that the delivery of a request begins. Until End, time alone confirms nothing: the sink has to answer
// first.
func (t *Tracker) Begin() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.confirm(time.Now())
	t.busy = true
}

// End notes that the delivery has ended, with or without an outcome.
func (t *Tracker) End() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.busy = false
}

// Answer notes that the sink answered. leaving is whether it announced that it closes the connection.
func (t *Tracker) Answer(leaving bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.answered = time.Now()
	t.conn.answers++
	t.conn.leaving = leaving && t.options.KeepAlive
}

// NoAnswer notes that a request had no answer for as long as waited. Requests that were accepted before may be stuck
// in the sink's queue.
func (t *Tracker) NoAnswer(waited time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if n := len(t.unconfirmed); n > 0 {
		t.unconfirmed[n-1].stuck = max(t.unconfirmed[n-1].stuck, waited)
	}
}

// Accept notes that the sink accepted a request with that many audit events, and that the answer took as long as
// waited. If its connection has ended by then, the request is lost already.
func (t *Tracker) Accept(events int, waited time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.accepted++
	t.events += int64(events)
	if t.options.ConfirmTime == 0 {
		t.confirmed = t.accepted
		return
	}
	now := time.Now()
	t.unconfirmed = append(t.unconfirmed, acceptedRequest{at: now, events: int64(events), total: t.events, waited: waited})
	switch {
	case t.conn.leaving:
		t.conn.ended = errLeaving
		t.lose(errLeaving, &idleClose{announced: true, answers: t.conn.answers})
	case t.conn.ended != nil:
		t.lose(t.conn.ended, nil)
	default:
		t.confirm(now)
	}
}

// confirm confirms all requests that can be confirmed now.
func (t *Tracker) confirm(now time.Time) {
	if t.closed || t.lost != nil {
		return
	}
	t.confirmByCount()
	alive := now // the sink is known to have been alive at this time
	if t.busy {
		alive = t.answered
	}
	if len(t.unconfirmed) == 0 || t.unconfirmed[0].at.Add(t.options.ConfirmTime).After(alive) {
		return
	}
	delay, before := t.confirmDelay(), t.confirmed
	for len(t.unconfirmed) > 0 && !t.unconfirmed[0].at.Add(delay).After(alive) {
		t.confirmOldest()
	}
	if t.confirmed > before && !t.busy && t.conn.ended == nil {
		t.options.IdleCloses.reset() // the sink has left an idle connection open
	}
}

// confirmByCount confirms the requests that later ones have pushed through the sink over the same connection. Later
// requests push a request out of the queue, and the events of requests that have left the queue themselves push its
// events out of the engine.
func (t *Tracker) confirmByCount() {
	left := t.accepted - queuedRequests // the last request that must have left the queue
	if left <= t.conn.acceptedBefore || left <= t.confirmed {
		return
	}
	total := t.unconfirmed[left-t.confirmed-1].total
	for t.confirmed < left && total-max(t.unconfirmed[0].total, t.conn.eventsBefore) >= engineEvents {
		t.confirmOldest()
	}
}

func (t *Tracker) confirmOldest() {
	t.unconfirmed = t.unconfirmed[1:]
	t.confirmed++
}

// lose ends the session if there are requests that the sink may have lost. done is how the sink closed the connection,
// nil if the connection broke or could not be made.
func (t *Tracker) lose(why error, done *idleClose) {
	t.confirm(time.Now())
	if t.closed || t.lost != nil || !t.options.Replay {
		return
	}
	if !done.habitual() {
		t.options.IdleCloses.reset()
	} else if len(t.unconfirmed) > 0 && t.options.IdleCloses.closed(*done) {
		return
	}
	if len(t.unconfirmed) == 0 {
		return
	}
	t.lost = fmt.Errorf("%w: %w", ErrLost, why)
	close(t.gone)
	if t.abort != nil {
		t.abort(t.lost)
	}
}

// Dialling implements httpclient.Watcher. It forbids further connections of a session that is lost: the lost events
// are sent first, in another session.
func (t *Tracker) Dialling() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return errClosed
	}
	return t.lost
}

// Connected implements httpclient.Watcher.
func (t *Tracker) Connected() {
	t.mu.Lock()
	defer t.mu.Unlock()
	next := connection{acceptedBefore: t.accepted, eventsBefore: t.events}
	if !t.options.KeepAlive {
		// Each request has a connection of its own, which says nothing about the sink.
		next = connection{acceptedBefore: t.conn.acceptedBefore, eventsBefore: t.conn.eventsBefore}
	}
	t.conn = next
}

// DialFailed implements httpclient.Watcher.
func (t *Tracker) DialFailed(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lose(err, nil)
}

// Dropped implements httpclient.Watcher.
func (t *Tracker) Dropped(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !errors.Is(err, io.EOF) {
		t.conn.ended = err
		t.lose(err, nil)
		return
	}
	if !t.options.KeepAlive || t.conn.leaving {
		return // the close was agreed on; if it was announced, Accept handles it
	}
	t.conn.ended = errDropped
	if t.busy {
		t.lose(errDropped, nil)
		return
	}
	t.lose(errDropped, &idleClose{idle: time.Since(t.answered)})
}
