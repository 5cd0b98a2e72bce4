package confirm

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"aks-audit-log-go/webhook/barrier"
	"aks-audit-log-go/webhook/habit"
	"aks-audit-log-go/webhook/queue"
)

// ErrLost means that the sink may have lost requests that it had accepted.
var ErrLost = errors.New("the sink has not confirmed all audit events that it accepted")

// maxRefusals is how many answers of a proxy without a sink count as losses while nothing is confirmed in between. If
// a proxy always answered so, the same events would be sent forever.
const maxRefusals = 3

// Options configures a Tracker.
type Options struct {
	// ConfirmTime is SINKSETTLETIME: how long the engine may take for its last events. 0 confirms a request once
	// accepted.
	ConfirmTime time.Duration
	// Interval is CHECKPOINTINTERVAL. At most one row of barriers begins in it.
	Interval time.Duration
	// Replay is SINKREPLAY. Without it nothing counts as lost.
	Replay bool
	// KeepAlive is KEEPALIVE: whether connections are reused.
	KeepAlive bool
	// Barriers is whether barriers are sent (SINKBARRIER). Insist is whether they are sent even if the sink refuses
	// the first.
	Barriers, Insist bool
	// Weaker is called with the reason when less evidence than before has to confirm requests. It must not call the
	// tracker.
	Weaker func(why string)
}

// barriersCan reports whether the options allow barriers to confirm anything.
func (o Options) barriersCan() bool { return o.Replay && o.KeepAlive && o.Barriers }

// Tracker knows which accepted requests are confirmed, and notices when the others may be lost. It is the
// httpclient.Watcher of the sink's client, which has one connection at a time, and posts one request at a time. It
// needs no goroutine and no timers, and is safe for concurrent use.
type Tracker struct {
	options Options

	mu sync.Mutex
	// queue holds the accepted, unconfirmed requests. While connections are reused, all of them were accepted over the
	// current connection.
	queue queue.Queue
	// accepted and confirmed are the sequences of the last accepted and the last confirmed request.
	accepted, confirmed int64
	// sessions are the open ones.
	sessions map[*Session]struct{}
	// conn is the current connection, or the last one.
	conn connection
	// busy is whether a request is in flight. posting is its session, nil for a barrier.
	busy    bool
	posting *Session
	row     barrier.Row
	habit   habit.Habit
	// refusals is how often a proxy had no sink since the last confirmation.
	refusals int
	// hurried is how many sessions wait until everything is confirmed.
	hurried int
	// changed is closed when something is confirmed or lost.
	changed chan struct{}
}

type connection struct {
	// answers counts all answers. answered is the time of the last one.
	answers  int
	answered time.Time
	// leaving is whether the last answer announced the end of the connection.
	leaving bool
	// ended is how the connection ended, nil while it is open.
	ended error
}

// NewTracker returns a tracker without sessions.
func NewTracker(options Options) *Tracker {
	t := &Tracker{
		options: options, queue: queue.Queue{ConfirmTime: options.ConfirmTime}, row: barrier.Row{Interval: options.Interval},
		sessions: map[*Session]struct{}{}, changed: make(chan struct{}),
	}
	switch {
	case options.ConfirmTime == 0:
		t.queue.Proof = queue.AtOnce
	case !options.barriersCan():
		t.queue.Proof = queue.ByTime
	}
	return t
}

// Begin records that a request of the session is posted, or a barrier if session is nil.
func (t *Tracker) Begin(session *Session) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.confirmByTime()
	t.busy, t.posting = true, session
}

// End records that the request is answered or has failed.
func (t *Tracker) End() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.busy, t.posting = false, nil
}

// Answer records the head of an answer. accepted is whether the status is 2xx. leaving is whether it announces the end
// of the connection. Accepted, Barrier and NoSink record what the answer means for the request.
func (t *Tracker) Answer(accepted, leaving bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.conn.answers++
	t.conn.answered = time.Now()
	t.conn.leaving = accepted && leaving && t.options.KeepAlive
	t.reconsider()
	if t.conn.leaving {
		t.noteAnnounced()
	}
}

// Accepted records that the sink accepted a request of the session, with its number of audit events and the time when
// it was sent. The request is lost if its connection has ended by now. out is how many events have left the sink's
// queue by this answer.
func (t *Tracker) Accepted(session *Session, events int, sent time.Time) (out int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.accepted++
	session.accepted = t.accepted
	if t.queue.Proof == queue.AtOnce {
		t.confirmed = t.accepted
		return events
	}
	t.queue.Accept(t.accepted, events, sent)
	if t.conn.ended != nil && t.queue.Proof != queue.ByTime {
		t.lose(t.conn.ended)
		return 0
	}
	out, confirmed := t.queue.Push(sent, t.hurried > 0)
	t.confirm(confirmed)
	return out
}

// NoSink records that a proxy has no sink. The sink has then ended, although the connection has not.
func (t *Tracker) NoSink(why error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.queue.Len() > 0 && t.options.Replay && t.refusals < maxRefusals {
		t.refusals++
		t.lose(why)
	}
}

// confirmByTime confirms what SINKSETTLETIME alone confirms. While a request is in flight, the time of the last answer
// counts, because only that shows that the sink was alive.
func (t *Tracker) confirmByTime() {
	alive := time.Now()
	if t.busy {
		alive = t.conn.answered
	}
	t.confirm(t.queue.Passed(alive))
}

// confirm confirms all requests up to the sequence. 0 is none.
func (t *Tracker) confirm(sequence int64) {
	if sequence > 0 {
		t.confirmed, t.refusals = sequence, 0
		t.notify()
	}
}

// lose marks everything unconfirmed as lost, with the sessions that it belongs to.
func (t *Tracker) lose(why error) {
	lost := fmt.Errorf("%w: %w", ErrLost, why)
	for session := range t.sessions {
		if session.accepted > t.confirmed {
			session.leave()
			session.end(lost)
		}
	}
	t.confirmed = t.accepted
	t.queue.Lose()
	t.row.Break()
	t.notify()
}

// weaken requires less evidence than before to confirm requests.
func (t *Tracker) weaken(proof queue.Proof, why string) {
	t.queue.Proof = proof
	t.options.Weaker(why)
}

func (t *Tracker) notify() {
	close(t.changed)
	t.changed = make(chan struct{})
}
