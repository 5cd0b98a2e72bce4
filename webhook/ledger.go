package webhook

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

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
type ledger struct {
	settleTime time.Duration
	// replay is whether anything counts as lost, keepAlive whether connections are reused.
	replay, keepAlive bool
	habits            *habits

	// gone is closed on a loss.
	gone chan struct{}

	mu sync.Mutex
	// accepted and settled count bodies; unsettled are those in between, the oldest first. total
	// counts the audit events that were accepted.
	accepted, settled int64
	total             int64
	unsettled         []acceptance
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
type acceptance struct {
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
func (l *ledger) begin() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.settle(time.Now())
	l.busy = true
}

// end notes that the body has its outcome, or none.
func (l *ledger) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.busy = false
}

// answer notes that the sink answered; leaving is whether it is going to close the connection.
func (l *ledger) answer(leaving bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.answered = time.Now()
	l.link.answers++
	l.link.leaving = leaving && l.keepAlive
}

// noAnswer notes that the sink did not answer for that long. What it accepted before may be
// stuck in its queue.
func (l *ledger) noAnswer(waited time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := len(l.unsettled); n > 0 {
		l.unsettled[n-1].stuck = max(l.unsettled[n-1].stuck, waited)
	}
}

// accept notes that the sink accepted a body with so many audit events, after waited. Where its
// connection has ended by then the body is lost already.
func (l *ledger) accept(events int, waited time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.accepted++
	l.total += int64(events)
	if l.settleTime == 0 {
		l.settled = l.accepted
		return
	}
	now := time.Now()
	l.unsettled = append(l.unsettled, acceptance{at: now, events: int64(events), total: l.total, waited: waited})
	switch {
	case l.link.leaving:
		l.link.ended = errLeaving
		l.lose(errLeaving, &closing{announced: true, answers: l.link.answers})
	case l.link.ended != nil:
		l.lose(l.link.ended, nil)
	default:
		l.settle(now)
	}
}

// settle moves settled up to where it may be now.
func (l *ledger) settle(now time.Time) {
	if l.closed || l.lost != nil {
		return
	}
	l.settleByCount()
	horizon := now
	if l.busy {
		horizon = l.answered
	}
	if len(l.unsettled) == 0 || l.unsettled[0].at.Add(l.settleTime).After(horizon) {
		return
	}
	patience, before := l.patience(), l.settled
	for len(l.unsettled) > 0 && !l.unsettled[0].at.Add(patience).After(horizon) {
		l.settleOne()
	}
	if l.settled > before && !l.busy && l.link.ended == nil {
		l.habits.forget() // an idle connection that stays open is not closed as a habit
	}
}

// settleByCount settles what has been pushed through the sink by what came behind it over the
// same connection: out of the queue by bodies, out of the engine by the events of those that have
// left the queue themselves.
func (l *ledger) settleByCount() {
	left := l.accepted - queuedBodies
	if left <= l.link.before || left <= l.settled {
		return
	}
	total := l.unsettled[left-l.settled-1].total
	for l.settled < left && total-max(l.unsettled[0].total, l.link.total) >= batchEvents {
		l.settleOne()
	}
}

func (l *ledger) settleOne() {
	l.unsettled = l.unsettled[1:]
	l.settled++
}

// patience is how long the sink has to live on before what it accepted is settled: where it is
// full, that shows as slow answers.
func (l *ledger) patience() time.Duration {
	var slowest, second, stuck time.Duration
	var events int64
	for _, one := range l.unsettled {
		second = max(second, min(slowest, one.waited))
		slowest = max(slowest, one.waited)
		stuck = max(stuck, one.stuck)
		events = max(events, one.events)
	}
	factor := fill(events)
	if factor > fewAnswers {
		// A sink that is full would have been slow more than once among so many. Once is more
		// likely a hiccup, of either side, and must not keep a stop from settling.
		slowest = min(slowest, max(second, 2*l.settleTime/time.Duration(factor)))
	}
	return max(l.settleTime, time.Duration(factor*float64(max(slowest, stuck))))
}

// fewAnswers is the factor up to which a full sink may be slow only once in a while.
const fewAnswers = 4

// fill is how many times as long as a slow answer a sink that is full takes for all that it holds,
// if the bodies have so many audit events. While it is full, an answer comes when the engine is
// through with a batch, or with as many batches as the body ahead has.
func fill(events int64) float64 {
	return float64((queuedBodies-1)*events+batchEvents) / float64(max(events, batchEvents))
}

// due is how long it takes until more is settled if nothing is posted meanwhile; 0 where all is.
func (l *ledger) due(now time.Time) time.Duration {
	if len(l.unsettled) == 0 {
		return 0
	}
	return max(l.unsettled[0].at.Add(l.patience()).Sub(now), time.Nanosecond)
}

// errLeaving: the sink answered that it closes the connection, as Go's servers do when they stop.
var errLeaving = errors.New("the sink has closed the connection behind its answer")

// Dialling implements httpclient.Watcher. Behind a loss nothing more is sent on the lane: what
// was lost goes first.
func (l *ledger) Dialling() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return errClosed
	}
	return l.lost
}

// Connected implements httpclient.Watcher.
func (l *ledger) Connected() {
	l.mu.Lock()
	defer l.mu.Unlock()
	next := link{before: l.accepted, total: l.total}
	if !l.keepAlive {
		// Each body has a connection of its own, which proves nothing.
		next = link{before: l.link.before, total: l.link.total}
	}
	l.link = next
}

// DialFailed implements httpclient.Watcher.
func (l *ledger) DialFailed(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lose(err, nil)
}

// Dropped implements httpclient.Watcher.
func (l *ledger) Dropped(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !errors.Is(err, io.EOF) {
		l.link.ended = err
		l.lose(err, nil)
		return
	}
	if !l.keepAlive || l.link.leaving {
		return // it was agreed upon, and accept knows what follows
	}
	l.link.ended = errDropped
	if l.busy {
		l.lose(errDropped, nil)
		return
	}
	l.lose(errDropped, &closing{idle: time.Since(l.answered)})
}

// errDropped: the end of a connection as io.EOF, in words.
var errDropped = errors.New("the sink has closed the connection")

// lose ends the lane if something is lost on it. done is how the sink closed the connection,
// where it did so in good order.
func (l *ledger) lose(why error, done *closing) {
	l.settle(time.Now())
	if l.closed || l.lost != nil || !l.replay {
		return
	}
	if !done.habitual() {
		l.habits.forget()
	} else if len(l.unsettled) > 0 && l.habits.closed(*done) {
		return
	}
	if len(l.unsettled) == 0 {
		return
	}
	l.lost = fmt.Errorf("%w: %w", ErrLost, why)
	close(l.gone)
	if l.abort != nil {
		l.abort(l.lost)
	}
}
