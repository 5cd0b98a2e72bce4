// Package queue follows accepted requests through the sink's queue and engine, by the answers to later requests over
// the same connection. The package confirm has the rule as a table.
package queue

import "time"

const (
	// Requests is the most requests that Falco can hold: 50 in the queue, one being parsed, and one that is answered
	// and dropped when the plugin closes its queue before its connections.
	Requests = 52
	// engineEvents is how many events the engine takes at once (DefaultBatchSize of Falco's plugin SDK). It takes more
	// only after it has processed them.
	engineEvents = 128
	// batchTime is more than Falco's plugin SDK waits until a batch is full (30 ms by default).
	batchTime = 100 * time.Millisecond
)

// Proof is the evidence that confirms a request.
type Proof int

// These are the kinds of Proof, the strongest first.
const (
	ByBarriers Proof = iota
	ByAnswers
	ByTime
	AtOnce
)

// Queue holds the accepted, unconfirmed requests.
type Queue struct {
	// Proof is the evidence that confirms them.
	Proof Proof
	// ConfirmTime is how long the engine may take for its last events.
	ConfirmTime time.Duration

	// waiting holds the requests, the oldest first. The first out ones have left the sink's queue.
	waiting []request
	out     int
	// Pushed counts the answers of 2xx over the connection.
	Pushed int64
	// events counts the events of the connection's accepted requests, outEvents those of the requests that are out.
	events, outEvents int64
	// recent holds the last requests that fill two batches of the engine, and the one before them.
	recent []mark
}

type request struct {
	sequence int64
	// answer is the number of the answer that accepted it. total is how many events the connection's requests held,
	// including it.
	answer, total, events int64
	// since is when it was known to be out of the queue, or, if time is to confirm it, when it was accepted.
	since time.Time
	// twoBatches is when the request was sent that two batches of the engine have followed since, zero if there was
	// none.
	twoBatches time.Time
}

// mark is when a request was sent, and how many events the connection's requests held, including it.
type mark struct {
	total int64
	sent  time.Time
}

// Len returns the number of unconfirmed requests.
func (q *Queue) Len() int { return len(q.waiting) }

// Connected begins a connection. The waiting requests were accepted over others.
func (q *Queue) Connected() {
	q.Pushed, q.events, q.outEvents, q.recent = 0, 0, 0, nil
}

// Lose forgets the waiting requests. The same connection may now lead to another sink.
func (q *Queue) Lose() { q.waiting, q.out, q.recent = nil, 0, nil }

// Accept appends a request with its number of events and the time when it was sent. Push records its answer.
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

// Push records a 2xx to a request that was sent at that time. It returns how many events have left the sink's queue by
// it, and up to which sequence it confirms, 0 if nothing.
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

// Answered records an answer to a request that was sent at that time. It returns up to which sequence it confirms, 0
// if nothing.
func (q *Queue) Answered(sent time.Time, hurry bool) (confirmed int64) {
	for n := q.out; n > 0; n-- { // confirming a request confirms those before it
		last := q.waiting[n-1]
		if q.outEvents-last.total >= engineEvents || !sent.Before(q.settles(last, hurry)) {
			return q.confirm(n)
		}
	}
	return 0
}

// settles returns when a request must be sent so that its answer proves that the engine has processed r, which is out:
// SINKSETTLETIME later. In a hurry, the engine's own speed is enough: between the sending of a request and the time
// when two more batches were out, it has processed at least one. So its last batch gets the same time again.
func (q *Queue) settles(r request, hurry bool) time.Time {
	if hurry && q.Proof == ByBarriers && !r.twoBatches.IsZero() {
		return r.since.Add(min(q.ConfirmTime, r.since.Sub(r.twoBatches)+batchTime))
	}
	return r.since.Add(q.ConfirmTime)
}

// Settles returns the same for all waiting requests, zero while they are not all out of the sink's queue.
func (q *Queue) Settles(hurry bool) time.Time {
	if q.out < len(q.waiting) {
		return time.Time{}
	}
	return q.settles(q.waiting[q.out-1], hurry)
}

// AllOut marks all waiting requests as out, because the sink takes no barriers and nothing more can be proved.
func (q *Queue) AllOut() { q.out = len(q.waiting) }

// Until returns when time alone confirms the oldest request.
func (q *Queue) Until() time.Time { return q.waiting[0].since.Add(q.ConfirmTime) }

// Completes returns the number of the answer that shows that all waiting requests are out of the sink's queue.
func (q *Queue) Completes() int64 { return q.waiting[len(q.waiting)-1].answer + Requests }

// Passed confirms what time alone confirms of a sink that was alive at that time. It returns the last sequence, 0 if
// none.
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
