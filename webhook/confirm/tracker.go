package confirm

import (
	"errors"
	"fmt"
	"sync"
	"time"
)

// ErrLost means that the sink may have lost requests that it had accepted.
var ErrLost = errors.New("the sink was lost with what it had accepted")

const (
	// queuedRequests is the most requests that Falco can hold: 50 in the queue, one that is being parsed, and one
	// that is answered and dropped when the plugin closes its queue before it closes its connections.
	queuedRequests = 52
	// engineEvents is how many events the engine takes at once (DefaultBatchSize of Falco's plugin SDK). It takes more
	// only after it has processed them.
	engineEvents = 128
	// maxRefusals is how many answers of a proxy that it has no sink count as losses while nothing is confirmed in
	// between. A proxy that answers so without end would have the same events sent without end.
	maxRefusals = 3
)

// Options configures a Tracker.
type Options struct {
	// ConfirmTime is SINKSETTLETIME: how long the engine may take for its last events. 0 confirms a request as soon as
	// it is accepted.
	ConfirmTime time.Duration
	// Interval is CHECKPOINTINTERVAL: a row of barriers begins at most once in it.
	Interval time.Duration
	// Replay is SINKREPLAY. Without it nothing counts as lost.
	Replay bool
	// KeepAlive is KEEPALIVE: whether connections are reused.
	KeepAlive bool
	// Barriers is whether barriers are sent (SINKBARRIER), and Insist whether to go on if the sink refuses the first.
	Barriers, Insist bool
	// Weaker is told when less than before has to confirm requests, and why. It must not call the tracker.
	Weaker func(why string)
}

// proof is what confirms a request.
type proof int

const (
	byBarriers proof = iota
	byAnswers
	byTime
	atOnce
)

// Tracker knows which of the requests that were accepted are confirmed, and notices when the others may be lost. It is
// the httpclient.Watcher of the sink's client, which has one connection at a time, and posts one request at a time.
// It needs no goroutine and no timers, and is safe for concurrent use.
type Tracker struct {
	options Options

	mu sync.Mutex
	// proof is what confirms now, and gaveUp what did before the sink closed too many connections.
	proof, gaveUp proof
	// accepted and confirmed are the sequences of the last request that was accepted, and confirmed.
	accepted, confirmed int64
	// waiting holds the requests that are accepted and not confirmed, the oldest first. The first out of them are out
	// of the queue. While connections are reused, all of them were accepted over the current connection.
	waiting []request
	out     int
	// conn is the current connection, or the last one.
	conn connection
	// busy is whether a request is in flight, and posting whose it is, nil if it is a barrier.
	busy    bool
	posting *Session
	// row is what is known about barriers.
	row row
	// habit is how connections ended lately.
	habit habit
	// refusals is how often a proxy had no sink since something was confirmed.
	refusals int
	// hurried is how many sessions wait until everything is confirmed.
	hurried int
	// changed is closed when something is confirmed or lost.
	changed chan struct{}
}

// request is a request that the sink accepted and that is not confirmed.
type request struct {
	session  *Session
	sequence int64
	// answer is the number of the answer that accepted it, and total how many events the connection's requests held up
	// to its end.
	answer, total, events int64
	// since is when it was known to be out of the queue. If time is to confirm it: when it was accepted.
	since time.Time
}

// connection is a connection to the sink.
type connection struct {
	// answers counts all answers, pushed those of 2xx.
	answers int
	pushed  int64
	// events counts the events of the accepted requests, and out those of the requests that are out of the queue.
	events, out int64
	// answered is when the last answer came.
	answered time.Time
	// leaving is whether the last answer announced that the connection ends.
	leaving bool
	// ended is how the connection ended, nil while it is open.
	ended error
}

// NewTracker returns a tracker without sessions.
func NewTracker(options Options) *Tracker {
	t := &Tracker{options: options, changed: make(chan struct{})}
	switch {
	case options.ConfirmTime == 0:
		t.proof = atOnce
	case !t.barriersCan():
		t.proof = byTime
	}
	return t
}

// barriersCan reports whether barriers could confirm anything, as far as the options say.
func (t *Tracker) barriersCan() bool {
	return t.options.Replay && t.options.KeepAlive && t.options.Barriers
}

// Begin notes that a request of the session is posted, or a barrier if session is nil.
func (t *Tracker) Begin(session *Session) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.confirmByTime()
	t.busy, t.posting = true, session
}

// End notes that the request is answered, or has failed.
func (t *Tracker) End() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.busy, t.posting = false, nil
}

// Answer notes the head of an answer. accepted is whether the status is 2xx, leaving whether it announces that the
// connection ends. What the answer means for the request is noted by Accepted, Barrier or NoSink.
func (t *Tracker) Answer(accepted, leaving bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.conn.answers++
	t.conn.answered = time.Now()
	t.conn.leaving = accepted && leaving && t.options.KeepAlive
	if t.conn.leaving && t.conn.ended != nil {
		t.noteAnnounced()
	}
	t.reconsider()
}

// Accepted notes that the sink accepted a request of the session with that many audit events, which was sent at that
// time. If its connection has ended by now, the request is lost. It returns how many events are out of the queue by this
// answer.
func (t *Tracker) Accepted(session *Session, events int, sent time.Time) (out int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.accepted++
	session.accepted = t.accepted
	if t.proof == atOnce {
		t.confirmed = t.accepted
		return events
	}
	t.conn.events += int64(events)
	t.waiting = append(t.waiting, request{
		session: session, sequence: t.accepted, events: int64(events),
		answer: t.conn.pushed + 1, total: t.conn.events, since: time.Now(),
	})
	if t.conn.ended != nil && t.proof != byTime {
		t.lose(t.conn.ended)
		return 0
	}
	return t.push(sent)
}

// NoSink notes that a proxy answered that it has no sink. The sink has ended then, though the connection has not.
func (t *Tracker) NoSink(why error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.waiting) == 0 || !t.options.Replay {
		return
	}
	if t.refusals++; t.refusals <= maxRefusals {
		t.lose(why)
	}
}

// push notes an answer of 2xx to a request that was sent at that time, confirms what it proves, and returns how many
// events are out of the queue by it.
func (t *Tracker) push(sent time.Time) (events int) {
	t.conn.pushed++
	now := time.Now()
	for t.out < len(t.waiting) && t.isOut(t.waiting[t.out]) {
		one := &t.waiting[t.out]
		if t.proof == byBarriers {
			one.since, t.conn.out = now, one.total
		}
		events += int(one.events)
		t.out++
	}
	t.confirmBy(sent)
	return events
}

// isOut reports whether the request must have left the sink's queue.
func (t *Tracker) isOut(r request) bool {
	return t.proof != byBarriers || r.answer+queuedRequests <= t.conn.pushed
}

// confirmBy confirms what an answer to a request that was sent at that time proves.
func (t *Tracker) confirmBy(sent time.Time) {
	for t.out > 0 {
		oldest := t.waiting[0]
		if t.conn.out-oldest.total < engineEvents && sent.Before(oldest.since.Add(t.options.ConfirmTime)) {
			return
		}
		t.out--
		t.confirmOldest()
	}
}

// confirmByTime confirms what SINKSETTLETIME alone confirms. While a request is in flight, the sink has to answer first.
func (t *Tracker) confirmByTime() {
	if t.proof != byTime {
		return
	}
	alive := time.Now()
	if t.busy {
		alive = t.conn.answered
	}
	for len(t.waiting) > 0 && !t.waiting[0].since.Add(t.options.ConfirmTime).After(alive) {
		t.out = max(0, t.out-1)
		t.confirmOldest()
	}
}

func (t *Tracker) confirmOldest() {
	t.confirmed = t.waiting[0].sequence
	t.waiting = t.waiting[1:]
	t.refusals = 0
	t.notify()
}

// lose loses everything that waits to be confirmed, with the sessions that it belongs to.
func (t *Tracker) lose(why error) {
	lost := fmt.Errorf("%w: %w", ErrLost, why)
	for _, one := range t.waiting {
		one.session.lose(lost, t.confirmed)
	}
	t.confirmed, t.waiting, t.out, t.row.end = t.accepted, nil, 0, 0
	t.notify()
}

// weaken makes less confirm requests than before.
func (t *Tracker) weaken(proof proof, why string) {
	t.proof = proof
	if t.options.Weaker != nil {
		t.options.Weaker(why)
	}
}

func (t *Tracker) notify() {
	close(t.changed)
	t.changed = make(chan struct{})
}
