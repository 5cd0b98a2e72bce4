// Package pace chooses how many audit events go into a request, by how fast the sink works.
//
// Small requests cost time. Large ones cost safety: the events in the sink's queue are sent again after a loss, and a
// stop has to wait for them. So requests are as large as the sink can process 52 of, the number that its queue holds,
// in a quarter of a second.
package pace

import (
	"sync"
	"time"
)

const (
	// firstEvents is the limit of the first requests, when nothing is known about the sink yet.
	firstEvents = 32
	// leastEvents is the smallest limit, unless answers take longer than slowAnswer. If small requests are answered
	// late as well, the network or this machine is slow, and not the sink.
	leastEvents = 16
	slowAnswer  = 250 * time.Millisecond
	// stuckAnswer is the answer time from which on requests are too large in any case.
	stuckAnswer = 10 * time.Second
	// perRequest is the sink's work in a request: a 52nd of a quarter of a second.
	perRequest = time.Second / 4 / 52
	// recent is the weight of the previous answers: as much as the last 32.
	recent = 31.0 / 32
)

// Pace is safe for concurrent use.
type Pace struct {
	// most is POSTBATCHMAXEVENTS.
	most int

	mu sync.Mutex
	// events and bytes limit a request. bytes is POSTBATCHMAXBYTES, or less once the sink has answered 413.
	events, bytes int
	// shortest is the shortest answer time so far. It stands for the time that the network takes.
	shortest time.Duration
	// answers, left and spent sum up the recent answers: their number, the events that had left the sink's queue, and
	// the time that they took beyond shortest.
	answers, left, spent float64
}

// New returns the pace for an unknown sink.
func New(most, bytes int) *Pace {
	return &Pace{most: most, events: min(firstEvents, most), bytes: bytes, shortest: time.Hour}
}

// Limits returns how many events and bytes a request may hold.
func (p *Pace) Limits() (events, bytes int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.events, p.bytes
}

// Accepted records an accepted request: its events, the events that left the sink's queue by it, and the answer time.
// While none have left, the queue has room, and the answer says nothing about the sink.
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
		// The requests that left were as large, so this shows how fast the sink processes them.
		p.events = min(2*p.events, max(p.events, int(min(worth, float64(p.most)))), p.most)
	}
}

// NoAnswer records that a request got no answer: the connection broke or the time was over. The next ones are smaller.
func (p *Pace) NoAnswer() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.halve()
}

// TooLarge records that the sink answered 413 to a body of so many bytes. Later bodies have at most half of that.
func (p *Pace) TooLarge(bytes int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.halve()
	p.bytes = min(p.bytes, bytes/2)
}

func (p *Pace) halve() { p.events = max(1, p.events/2) }
