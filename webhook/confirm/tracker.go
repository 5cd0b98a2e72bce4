package confirm

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// ErrLost says that the sink may have lost bodies that it had accepted on a lane.
var ErrLost = errors.New("the sink was lost with what it had accepted")

// errClosed keeps a lane that is closed from making another connection.
var ErrClosed = errors.New("the lane is closed")

// What Falco has answered 200 to and not used yet dies with it: a queue of bodies, the one that is
// being parsed, and the batch of events that its engine works on.
const (
	// queuedBodies is 50 in the queue, one that is being parsed, and one that is answered and
	// dropped when the plugin closes its queue before it closes its connections.
	queuedBodies = 52
	// batchEvents is how many events the engine takes at once (DefaultBatchSize of Falco's plugin
	// SDK). It takes more only when it is through with those.
	batchEvents = 128
)

// ledger knows which of the bodies that the sink has accepted on a lane are settled, and notices
// when the others may be lost. It is the lane's httpclient.Watcher. Time is looked at when
// somebody asks, so there is no goroutine and no timer for a body.
type Tracker struct {
	ConfirmTime time.Duration
	// replay is whether anything counts as lost, keepAlive whether connections are reused.
	Replay, KeepAlive bool
	IdleCloses        *IdleCloses

	// gone is closed on a loss.
	Gone chan struct{}

	mu sync.Mutex
	// accepted and settled count bodies; unsettled are those in between, the oldest first. total
	// counts the audit events that were accepted.
	accepted, confirmed int64
	total               int64
	unconfirmed         []acceptedRequest
	// busy is whether a body is being delivered, abort what ends that on a loss.
	busy  bool
	abort func(error)
	// answered is when the sink last answered anything.
	answered time.Time
	// link is the connection of the moment, or the last one.
	link link
	// lost is why the lane is finished, nil while it is not.
	lost   error
	closed bool
}

// acceptance is a body that the sink accepted.
type acceptedRequest struct {
	at time.Time
	// events is how many audit events are in it, total how many were accepted up to it.
	events, total int64
	// waited is how long the answer took.
	waited time.Duration
	// stuck is the longest POST behind it that got no answer.
	stuck time.Duration
}

// link is a connection to the sink.
type link struct {
	// before is how many bodies had been accepted when it was made, with total audit events.
	before, total int64
	// answers is how many came over it.
	answers int
	// leaving is set once the sink has said that it closes it.
	leaving bool
	// ended is how it ended, where that was not at our wish; nil otherwise.
	ended error
}

// begin notes that a body is going to be posted. From here on time alone settles nothing: the
// sink has to answer first.
func (l *Tracker) Begin() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.confirm(time.Now())
	l.busy = true
}

// end notes that the body has its outcome, or none.
func (l *Tracker) End() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.busy = false
}

// answer notes that the sink answered; leaving is whether it is going to close the connection.
func (l *Tracker) Answer(leaving bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.answered = time.Now()
	l.link.answers++
	l.link.leaving = leaving && l.KeepAlive
}

// noAnswer notes that the sink did not answer for that long. What it accepted before may be
// stuck in its queue.
func (l *Tracker) NoAnswer(waited time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := len(l.unconfirmed); n > 0 {
		l.unconfirmed[n-1].stuck = max(l.unconfirmed[n-1].stuck, waited)
	}
}

// accept notes that the sink accepted a body with so many audit events, after waited. Where its
// connection has ended by then the body is lost already.
func (l *Tracker) Accept(events int, waited time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.accepted++
	l.total += int64(events)
	if l.ConfirmTime == 0 {
		l.confirmed = l.accepted
		return
	}
	now := time.Now()
	l.unconfirmed = append(l.unconfirmed, acceptedRequest{at: now, events: int64(events), total: l.total, waited: waited})
	switch {
	case l.link.leaving:
		l.link.ended = errLeaving
		l.lose(errLeaving, &idleClose{announced: true, answers: l.link.answers})
	case l.link.ended != nil:
		l.lose(l.link.ended, nil)
	default:
		l.confirm(now)
	}
}

// settle moves settled up to where it may be now.
func (l *Tracker) confirm(now time.Time) {
	if l.closed || l.lost != nil {
		return
	}
	l.confirmByCount()
	horizon := now
	if l.busy {
		horizon = l.answered
	}
	if len(l.unconfirmed) == 0 || l.unconfirmed[0].at.Add(l.ConfirmTime).After(horizon) {
		return
	}
	patience, before := l.confirmDelay(), l.confirmed
	for len(l.unconfirmed) > 0 && !l.unconfirmed[0].at.Add(patience).After(horizon) {
		l.confirmOne()
	}
	if l.confirmed > before && !l.busy && l.link.ended == nil {
		l.IdleCloses.reset() // an idle connection that stays open is not closed as a habit
	}
}

// settleByCount settles what has been pushed through the sink by what came behind it over the
// same connection: out of the queue by bodies, out of the engine by the events of those that have
// left the queue themselves.
func (l *Tracker) confirmByCount() {
	left := l.accepted - queuedBodies
	if left <= l.link.before || left <= l.confirmed {
		return
	}
	total := l.unconfirmed[left-l.confirmed-1].total
	for l.confirmed < left && total-max(l.unconfirmed[0].total, l.link.total) >= batchEvents {
		l.confirmOne()
	}
}

func (l *Tracker) confirmOne() {
	l.unconfirmed = l.unconfirmed[1:]
	l.confirmed++
}

// patience is how long the sink has to live on before what it accepted is settled: where it is
// full, that shows as slow answers.
func (l *Tracker) confirmDelay() time.Duration {
	var slowest, second, stuck time.Duration
	var events int64
	for _, one := range l.unconfirmed {
		second = max(second, min(slowest, one.waited))
		slowest = max(slowest, one.waited)
		stuck = max(stuck, one.stuck)
		events = max(events, one.events)
	}
	factor := queueFactor(events)
	if factor > fewAnswers {
		// A sink that is full would have been slow more than once among so many. Once is more
		// likely a hiccup, of either side, and must not keep a stop from settling.
		slowest = min(slowest, max(second, 2*l.ConfirmTime/time.Duration(factor)))
	}
	return max(l.ConfirmTime, time.Duration(factor*float64(max(slowest, stuck))))
}

// fewAnswers is the factor up to which a full sink may be slow only once in a while.
const fewAnswers = 4

// fill is how many times as long as a slow answer a sink that is full takes for all that it holds,
// if the bodies have so many audit events. While it is full, an answer comes when the engine is
// through with a batch, or with as many batches as the body ahead has.
func queueFactor(events int64) float64 {
	return float64((queuedBodies-1)*events+batchEvents) / float64(max(events, batchEvents))
}

// due is how long it takes until more is settled if nothing is posted meanwhile; 0 where all is.
func (l *Tracker) due(now time.Time) time.Duration {
	if len(l.unconfirmed) == 0 {
		return 0
	}
	return max(l.unconfirmed[0].at.Add(l.confirmDelay()).Sub(now), time.Nanosecond)
}

// errLeaving: the sink answered that it closes the connection, as Go's servers do when they stop.
var errLeaving = errors.New("the sink has closed the connection behind its answer")

// Dialling implements httpclient.Watcher. Behind a loss nothing more is sent on the lane: what
// was lost goes first.
func (l *Tracker) Dialling() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return ErrClosed
	}
	return l.lost
}

// Connected implements httpclient.Watcher.
func (l *Tracker) Connected() {
	l.mu.Lock()
	defer l.mu.Unlock()
	next := link{before: l.accepted, total: l.total}
	if !l.KeepAlive {
		// Each body has a connection of its own, which proves nothing.
		next = link{before: l.link.before, total: l.link.total}
	}
	l.link = next
}

// DialFailed implements httpclient.Watcher.
func (l *Tracker) DialFailed(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lose(err, nil)
}

// Dropped implements httpclient.Watcher.
func (l *Tracker) Dropped(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !errors.Is(err, io.EOF) {
		l.link.ended = err
		l.lose(err, nil)
		return
	}
	if !l.KeepAlive || l.link.leaving {
		return // it was agreed upon, and accept knows what follows
	}
	l.link.ended = errDropped
	if l.busy {
		l.lose(errDropped, nil)
		return
	}
	l.lose(errDropped, &idleClose{idle: time.Since(l.answered)})
}

// errDropped: the end of a connection as io.EOF, in words.
var errDropped = errors.New("the sink has closed the connection")

// lose ends the lane if something is lost on it. done is how the sink closed the connection,
// where it did so in good order.
func (l *Tracker) lose(why error, done *idleClose) {
	l.confirm(time.Now())
	if l.closed || l.lost != nil || !l.Replay {
		return
	}
	if !done.habitual() {
		l.IdleCloses.reset()
	} else if len(l.unconfirmed) > 0 && l.IdleCloses.closed(*done) {
		return
	}
	if len(l.unconfirmed) == 0 {
		return
	}
	l.lost = fmt.Errorf("%w: %w", ErrLost, why)
	close(l.Gone)
	if l.abort != nil {
		l.abort(l.lost)
	}
}
