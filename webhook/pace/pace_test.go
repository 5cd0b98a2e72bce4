package pace

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// queued is the size of the simulated sink's queue, in requests.
const queued = 52

// sink is a sink that processes so many events a second, over a network that takes so long.
type sink struct {
	perSecond float64
	way       time.Duration
	queue     []int
}

// post posts a request of as many events as the pace allows, but at most most, with a full queue.
func (s *sink) post(p *Pace, most int) {
	events, _ := p.Limits()
	events = min(events, most)
	s.queue = append(s.queue, events)
	if len(s.queue) <= queued {
		p.Accepted(events, 0, s.way)
		return
	}
	left := s.queue[0]
	s.queue = s.queue[1:]
	took := time.Duration(float64(left) / s.perSecond * float64(time.Second))
	p.Accepted(events, left, s.way+max(0, took-s.way))
}

// limitAfter returns the limit of events after so many requests.
func (s *sink) limitAfter(p *Pace, requests, most int) int {
	for range requests {
		s.post(p, most)
	}
	events, _ := p.Limits()
	return events
}

const many = 1 << 30

func TestRequestsHoldWhatTheSinkProcessesInAQuarterOfASecondOfItsQueue(t *testing.T) {
	for name, test := range map[string]struct {
		sink     sink
		most     int
		low, top int
	}{
		"Falco":                      {sink{perSecond: 9000}, 400, 38, 46},
		"a slow Falco":               {sink{perSecond: 1900}, 400, leastEvents, leastEvents},
		"a very slow Falco":          {sink{perSecond: 2}, 400, 1, 1},
		"a sink that is no limit":    {sink{perSecond: 1e9}, 400, 400, 400},
		"the same, fewer allowed":    {sink{perSecond: 1e9}, 10, 10, 10},
		"no limit behind a long way": {sink{perSecond: 1e9, way: 40 * time.Millisecond}, 400, 400, 400},
		"Falco behind a long way":    {sink{perSecond: 9000, way: 10 * time.Millisecond}, 400, 100, 300},
		"each event alone, for ever": {sink{perSecond: 9000}, 1, 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			p := New(test.most, 1<<20)
			got := test.sink.limitAfter(p, 2000, many)
			assert.GreaterOrEqual(t, got, test.low)
			assert.LessOrEqual(t, got, test.top)
		})
	}
}

func TestTheFirstRequestsAreSmallWhateverTheQueueTakes(t *testing.T) {
	s := sink{perSecond: 700}
	assert.Equal(t, firstEvents, s.limitAfter(New(400, 1<<20), queued, many))
}

// An idle sink takes a queue full of requests at once. Until they have left the queue, nothing shows that larger ones
// would not be too large.
func TestRequestsGrowOnlyAfterThoseOfTheirSizeHaveLeftTheQueue(t *testing.T) {
	p := New(400, 1<<20)
	for range queued {
		p.Accepted(firstEvents, firstEvents, time.Millisecond)
	}
	events, _ := p.Limits()
	assert.Equal(t, 2*firstEvents, events)
	p.Accepted(2*firstEvents, 2*firstEvents, time.Millisecond)
	events, _ = p.Limits()
	assert.Equal(t, 4*firstEvents, events)
}

// Under light load requests are small. Their quick answers do not show that the sink could take more.
func TestFewEventsLetRequestsNotGrow(t *testing.T) {
	s := sink{perSecond: 1e9}
	assert.Equal(t, firstEvents, s.limitAfter(New(400, 1<<20), 1000, 3))
}

// A busy machine delays each answer, even to a small request.
func TestAnswersThatAreAllLateDoNotMakeRequestsTiny(t *testing.T) {
	p := New(400, 1<<20)
	p.Accepted(32, 0, time.Millisecond)
	for range 1000 {
		events, _ := p.Limits()
		p.Accepted(events, events, 100*time.Millisecond)
	}
	events, _ := p.Limits()
	assert.Equal(t, leastEvents, events)
}

func TestASinkThatBecomesQuickGetsLargeRequestsAgain(t *testing.T) {
	s, p := &sink{perSecond: 2}, New(400, 1<<20)
	assert.Equal(t, 1, s.limitAfter(p, 500, many))
	s.perSecond = 1e9
	assert.Equal(t, 400, s.limitAfter(p, 2000, many))
}

func TestRequestsThatAreNotAnsweredAreHalvedDownToOneEvent(t *testing.T) {
	p := New(400, 1<<20)
	for _, want := range []int{16, 8, 4, 2, 1, 1} {
		p.NoAnswer()
		events, _ := p.Limits()
		assert.Equal(t, want, events)
	}
}

func TestAnAnswerAfterMoreThanTenSecondsHalvesToo(t *testing.T) {
	p := New(400, 1<<20)
	p.Accepted(32, 0, stuckAnswer+1)
	events, _ := p.Limits()
	assert.Equal(t, 16, events)
}

func TestABodyThatWasTooLargeIsNotTriedAgain(t *testing.T) {
	p := New(400, 1<<20)
	p.TooLarge(500_000)
	events, bytes := p.Limits()
	assert.Equal(t, 16, events)
	assert.Equal(t, 250_000, bytes)
	p.TooLarge(900_000)
	_, bytes = p.Limits()
	assert.Equal(t, 250_000, bytes)
}
