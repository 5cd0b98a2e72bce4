// Package pace chooses how many audit events go into a request, by how fast the sink works.
//
// Few events in a request cost time, many cost safety: what is in the sink's queue comes again after a loss, and a stop
// has to wait for it. So requests are as large as the sink can process 52 of, which its queue holds, in a quarter of a
// second.
package pace

import (
	"sync"
	"time"
)

const (
	// firstEvents is how many events the first requests hold at most: nothing is known about the sink yet.
	firstEvents = 32
	// leastEvents is how few a request holds at most, unless it is answered later than slowAnswer. Small requests that
	// are answered late as well say that the way or this machine is slow, and not the sink.
	leastEvents = 16
	slowAnswer  = 250 * time.Millisecond
	// stuckAnswer is how late an answer comes that says at once that requests are too large.
	stuckAnswer = 10 * time.Second
	// perRequest is what a request is worth: a 52nd of a quarter of a second of the sink's work.
	perRequest = time.Second / 4 / 52
	// recent is how much the answers before the last count: as the last 32 do.
	recent = 31.0 / 32
)

// Pace is safe for concurrent use.
type Pace struct {
	// most is POSTBATCHMAXEVENTS.
	most int

	mu sync.Mutex
	// events and bytes are the limits of a request: bytes is POSTBATCHMAXBYTES, or less once the sink has answered 413.
	events, bytes int
	// shortest is the shortest wait for an answer so far. On a long way it is the way's.
	shortest time.Duration
	// answers, left and spent sum up the recent answers: how many, how many events had left the sink's queue, and how
	// much longer than shortest they took.
	answers, left, spent float64
}

// New returns the pace for a sink of which nothing is known.
func New(most, bytes int) *Pace {
	return &Pace{most: most, events: min(firstEvents, most), bytes: bytes, shortest: time.Hour}
}

// Limits returns how many events and bytes a request may hold.
func (p *Pace) Limits() (events, bytes int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.events, p.bytes
}

// Accepted notes that a request with that many events was accepted, how many events have left the sink's queue by that,
// and how long the answer took. While none have left, the queue has room, and the answer says nothing about the sink.
func (p *Pace) Accepted(events, left int, took time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.shortest = min(p.shortest, took)
	if took > stuckAnswer {
		p.halve()
		return
	}
	if left == 0 {
		return
	}
	late := took - p.shortest
	p.answers, p.left, p.spent = p.answers*recent+1, p.left*recent+float64(left), p.spent*recent+late.Seconds()
	worth := p.left / max(p.spent, 1e-9) * perRequest.Seconds() // events
	switch {
	case p.spent > p.answers*perRequest.Seconds():
		least := leastEvents
		if late > slowAnswer {
			least = 1
		}
		p.events = min(p.events, max(least, int(worth)))
	case events >= p.events && left > p.events/2:
		// What has left was as large, so this says how fast the sink processes it.
		p.events = min(2*p.events, max(p.events, int(min(worth, float64(p.most)))), p.most)
	}
}

// NoAnswer notes that a request was not answered: the connection broke, or the time was over. Smaller ones may be.
func (p *Pace) NoAnswer() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.halve()
}

// TooLarge notes that the sink answered 413 to a body of that many bytes. None larger than half of it is tried again.
func (p *Pace) TooLarge(bytes int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.halve()
	p.bytes = min(p.bytes, bytes/2)
}

func (p *Pace) halve() { p.events = max(1, p.events/2) }
