// Package queue follows requests that the sink has accepted through its queue and its engine, by the answers to later
// requests over the same connection. The package confirm has the rule as a table.
package queue

import "time"

const (
	// Requests is the most requests that Falco can hold: 50 in the queue, one that is being parsed, and one that is
	// answered and dropped when the plugin closes its queue before it closes its connections.
	Requests = 52
	// engineEvents is how many events the engine takes at once (DefaultBatchSize of Falco's plugin SDK). It takes more
	// only after it has processed them.
	engineEvents = 128
	// batchTime is more than Falco's plugin SDK waits for a batch to fill up (30 ms by default).
	batchTime = 100 * time.Millisecond
)

// Proof is what confirms a request.
type Proof int

// What confirms a request, the strongest first.
const (
	ByBarriers Proof = iota
	ByAnswers
	ByTime
	AtOnce
)

// Queue holds the requests that are accepted and not confirmed.
type Queue struct {
	// Proof is what confirms them.
	Proof Proof
	// ConfirmTime is how long the engine may take for its last events.
	ConfirmTime time.Duration

	// waiting are the requests, the oldest first. The first out of them are out of the sink's queue.
	waiting []request
	out     int
	// Pushed counts the answers of 2xx over the connection.
	Pushed int64
	// events counts the events of its accepted requests, and outEvents those of the requests that are out.
	events, outEvents int64
	// recent are the last requests that hold two batches of the engine, and the one before them.
	recent []mark
}

// request is a request that the sink accepted.
type request struct {
	sequence int64
	// answer is the number of the answer that accepted it, and total how many events the connection's requests held up
	// to its end.
	answer, total, events int64
	// since is when it was known to be out of the queue. If time is to confirm it: when it was accepted.
	since time.Time
	// twoBatches is when a request was sent that two batches of the engine have followed since, zero if none was.
	twoBatches time.Time
}

// mark is when a request was sent, and how many events the connection's requests held up to its end.
type mark struct {
	total int64
	sent  time.Time
}

// Len returns how many requests wait to be confirmed.
func (q *Queue) Len() int { return len(q.waiting) }

// Connected notes that a connection begins. What waits was accepted over others.
func (q *Queue) Connected() {
	q.Pushed, q.events, q.outEvents, q.recent = 0, 0, 0, nil
}

// Lose forgets what waits. Another sink may be behind the same connection.
func (q *Queue) Lose() { q.waiting, q.out, q.recent = nil, 0, nil }

// Accept appends a request with that many events that was sent at that time. Its answer is noted by Push.
func (q *Queue) Accept(sequence int64, events int, sent time.Time) {
	q.events += int64(events)
	q.recent = append(q.recent, mark{q.events, sent})
	for len(q.recent) > 1 && q.recent[1].total <= q.events-2*engineEvents {
		q.recent = q.recent[1:]
	}
	r := request{sequence: sequence, answer: q.Pushed + 1, total: q.events, events: int64(events), since: time.Now()}
	if oldest := q.recent[0]; oldest.total <= q.events-2*engineEvents {
		r.twoBatches = oldest.sent
	}
	q.waiting = append(q.waiting, r)
}

// Push notes an answer of 2xx to a request that was sent at that time. It returns how many events are out of the sink's
// queue by it, and up to which sequence it confirms, 0 if nothing.
func (q *Queue) Push(sent time.Time, hurry bool) (out int, confirmed int64) {
	q.Pushed++
	now := time.Now()
	for q.out < len(q.waiting) && (q.Proof != ByBarriers || q.waiting[q.out].answer+Requests <= q.Pushed) {
		one := &q.waiting[q.out]
		if q.Proof == ByBarriers {
			one.since, q.outEvents = now, one.total
		}
		out += int(one.events)
		q.out++
	}
	return out, q.Answered(sent, hurry)
}

// Answered notes an answer to a request that was sent at that time, and returns up to which sequence it confirms, 0 if
// nothing.
func (q *Queue) Answered(sent time.Time, hurry bool) (confirmed int64) {
	for n := q.out; n > 0; n-- { // what confirms a request confirms those before it
		last := q.waiting[n-1]
		if q.outEvents-last.total >= engineEvents || !sent.Before(q.settles(last, hurry)) {
			return q.confirm(n)
		}
	}
	return 0
}

// settles returns from when on an answered request proves that the engine has processed the events of a request that is
// out: after SINKSETTLETIME. In a hurry, the engine's own speed is enough: from when a request was sent until two more
// batches were out, it has processed at least one. So it gets the same time again for its last one.
func (q *Queue) settles(r request, hurry bool) time.Time {
	if hurry && q.Proof == ByBarriers && !r.twoBatches.IsZero() {
		return r.since.Add(min(q.ConfirmTime, r.since.Sub(r.twoBatches)+batchTime))
	}
	return r.since.Add(q.ConfirmTime)
}

// Settles returns from when on an answer confirms all that waits, zero while it is not yet out of the sink's queue.
func (q *Queue) Settles(hurry bool) time.Time {
	if q.out < len(q.waiting) {
		return time.Time{}
	}
	return q.settles(q.waiting[q.out-1], hurry)
}

// AllOut notes that what waits counts as out: the sink takes no barriers, so that nothing more can be proved.
func (q *Queue) AllOut() { q.out = len(q.waiting) }

// Until returns when time alone confirms the oldest request.
func (q *Queue) Until() time.Time { return q.waiting[0].since.Add(q.ConfirmTime) }

// Completes returns the number of the answer that will show that all that waits is out of the sink's queue.
func (q *Queue) Completes() int64 { return q.waiting[len(q.waiting)-1].answer + Requests }

// Passed confirms what time alone confirms of a sink that was alive at that time. It returns up to which sequence, 0 if
// nothing.
func (q *Queue) Passed(alive time.Time) (confirmed int64) {
	for q.Proof == ByTime && len(q.waiting) > 0 && !q.Until().After(alive) {
		confirmed = q.confirm(1)
	}
	return confirmed
}

// confirm confirms the oldest n requests, and returns the sequence of the last.
func (q *Queue) confirm(n int) (sequence int64) {
	sequence = q.waiting[n-1].sequence
	q.waiting, q.out = q.waiting[n:], max(0, q.out-n)
	return sequence
}
