package webhook

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// settleCount is how many bodies have to be accepted over a connection before the one ahead of
// them is known to have left the sink's queue. Falco's holds 50, which die with it; one more is
// being parsed, and one is for good measure.
const settleCount = 52

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
	// accepted and settled count bodies; unsettled are those in between, the oldest first.
	accepted, settled int64
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
	// waited is how long the answer took, or how soon the next one followed: a queue that is full
	// lets go of one body for each answer.
	waited time.Duration
	// stuck is the longest POST behind it that got no answer.
	stuck time.Duration
}

// link is a connection to the sink.
type link struct {
	// before is how many bodies had been accepted when it was made.
	before int64
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

// accept notes that the sink accepted the body, after waited. Where its connection has ended by
// then the body is lost already.
func (l *ledger) accept(waited time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.accepted++
	if l.settleTime == 0 {
		l.settled = l.accepted
		return
	}
	now := time.Now()
	if n := len(l.unsettled); n > 0 {
		l.unsettled[n-1].waited = min(l.unsettled[n-1].waited, now.Sub(l.unsettled[n-1].at))
	}
	l.unsettled = append(l.unsettled, acceptance{at: now, waited: waited})
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
	if l.accepted-l.link.before > settleCount {
		l.settleUpTo(l.accepted - settleCount)
	}
	horizon := now
	if l.busy {
		horizon = l.answered
	}
	if len(l.unsettled) == 0 || l.unsettled[0].at.Add(l.settleTime).After(horizon) {
		return
	}
	patience, before := l.patience(), l.settled
	for len(l.unsettled) > 0 && !l.unsettled[0].at.Add(patience).After(horizon) {
		l.settleUpTo(l.settled + 1)
	}
	if l.settled > before && !l.busy && l.link.ended == nil {
		l.habits.forget() // an idle connection that stays open is not closed as a habit
	}
}

func (l *ledger) settleUpTo(ticket int64) {
	if n := ticket - l.settled; n > 0 {
		l.unsettled = l.unsettled[n:]
		l.settled = ticket
	}
}

// patience is how long the sink has to live on before what it accepted is settled: a full queue
// shows as slow answers, one for each body that leaves it. A single slow answer is more likely
// a hiccup, of either side, and must not keep a stop from settling: it counts for twice
// SINKSETTLETIME at most.
func (l *ledger) patience() time.Duration {
	var slowest, second, stuck time.Duration
	for _, one := range l.unsettled {
		second = max(second, min(slowest, one.waited))
		slowest = max(slowest, one.waited)
		stuck = max(stuck, one.stuck)
	}
	return max(l.settleTime, settleCount*second, settleCount*stuck, min(2*l.settleTime, settleCount*slowest))
}

// due is how long it takes until everything is settled if nothing is posted meanwhile; 0 where
// it is.
func (l *ledger) due(now time.Time) time.Duration {
	if len(l.unsettled) == 0 {
		return 0
	}
	return max(l.unsettled[len(l.unsettled)-1].at.Add(l.patience()).Sub(now), time.Nanosecond)
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
	before := l.accepted
	if !l.keepAlive {
		before = l.link.before // each body has a connection of its own, which proves nothing
	}
	l.link = link{before: before}
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
