package confirm

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"aks-audit-log-go/httpclient"
	"aks-audit-log-go/webhook/barrier"
)

var modelSteps = flag.Int("model", 20_000, "steps of the model")

// These are Falco's figures. They are repeated here so that the model does not share a mistake of the rule.
const (
	falcoQueue = 50
	falcoBatch = 128
)

// simulatedFalco is a Falco as its source describes it: a queue of requests, a parser that hands one event at a time
// to the engine, and an engine that takes batches. Time is the bubble's. When it ends, it loses what it holds.
type simulatedFalco struct {
	queue []simulatedRequest
	// parsing is the request whose events go to the engine. handed is how many of them the engine has.
	parsing *simulatedRequest
	handed  int
	// batch is the engine's current batch. busyUntil is when the engine is done with it.
	batch     []int64
	busyUntil time.Time
	// perEvent is the engine's time for an event.
	perEvent time.Duration
	used     map[int64]bool
}

type simulatedRequest struct{ events []int64 }

// work does all that Falco has done until now.
func (f *simulatedFalco) work() {
	now := time.Now()
	for {
		if len(f.batch) > 0 {
			if f.busyUntil.After(now) {
				return
			}
			for _, event := range f.batch {
				f.used[event] = true
			}
			f.batch = nil
		}
		began := f.busyUntil
		for len(f.batch) < falcoBatch && f.next() {
			f.batch = append(f.batch, f.parsing.events[f.handed])
			f.handed++
		}
		if len(f.batch) == 0 {
			f.busyUntil = now
			return
		}
		f.busyUntil = began.Add(time.Duration(len(f.batch)) * f.perEvent)
	}
}

// next makes sure that the parser has an event, if there is any, and reports whether it has. It skips a request
// without events.
func (f *simulatedFalco) next() bool {
	for f.parsing == nil || f.handed == len(f.parsing.events) {
		if len(f.queue) == 0 {
			f.parsing = nil
			return false
		}
		f.parsing, f.handed = &f.queue[0], 0
		f.queue = f.queue[1:]
	}
	return true
}

// full reports whether a request that arrives now must wait for a place in the queue.
func (f *simulatedFalco) full() bool {
	f.work()
	return len(f.queue) >= falcoQueue
}

// model is a poster that posts through a Tracker, and a sink that is a Falco, replaced now and then.
type model struct {
	t       *testing.T
	random  *rand.Rand
	tracker *Tracker
	falco   *simulatedFalco
	alive   bool
	session *Session
	// sent maps the sequence of an accepted request to its events. checked is the last confirmed sequence that was
	// checked.
	sent    map[int64][]int64
	checked int64
	events  int64
	used    map[int64]bool
	lost    int
	stats   struct{ confirmed, losses, barriers, posts int }
}

func newModel(t *testing.T, seed uint64) *model {
	t.Helper()
	m := &model{t: t, random: rand.New(rand.NewPCG(seed, 13)), used: map[int64]bool{}, sent: map[int64][]int64{}}
	m.tracker = NewTracker(Options{
		ConfirmTime: 5 * time.Second, Interval: 5 * time.Second, Replay: true, KeepAlive: true, Barriers: true,
		Weaker: func(string) {},
	})
	m.session = m.tracker.Join()
	m.replace()
	return m
}

// replace ends the Falco and starts another one, with an empty queue, parser and engine.
func (m *model) replace() {
	if m.falco != nil {
		m.falco.work()
	}
	slowest := 5 * time.Second / falcoBatch // the engine's last batch has SINKSETTLETIME
	m.falco = &simulatedFalco{used: m.used, busyUntil: time.Now()}
	m.falco.perEvent = []time.Duration{0, 100 * time.Microsecond, time.Millisecond, slowest}[m.random.IntN(4)]
}

// check compares every confirmed event with what the Falcos have used.
func (m *model) check() {
	m.falco.work()
	for confirmed := m.session.Confirmed(); m.checked < confirmed; {
		m.checked++
		for _, event := range m.sent[m.checked] {
			if !m.used[event] {
				m.lost++
			}
		}
		if len(m.sent[m.checked]) > 0 {
			m.stats.confirmed++
		}
		delete(m.sent, m.checked)
	}
}

func (m *model) end(err error) {
	if m.alive {
		m.alive = false
		m.tracker.Ended(err)
	}
}

func (m *model) reopen() {
	if m.session.Err() != nil {
		m.stats.losses++
		m.session.Close()
		m.session = m.tracker.Join()
		m.checked = m.session.Confirmed()
		clear(m.sent)
	}
}

// exchange posts a request, or a barrier if there are no events, and returns whether it was answered with 2xx.
func (m *model) exchange(events []int64) (answered bool, sent time.Time) {
	sent = time.Now()
	if !m.alive {
		if m.tracker.Dialling() != nil {
			return false, sent
		}
		m.alive = true
		m.tracker.Connected()
	}
	full := m.falco.full()
	if full && m.random.IntN(200) == 0 { // the sink ends: it answers the waiting request, and drops it
		m.tracker.Answer(true, false)
		m.note(events, sent)
		m.check()
		m.replace()
		m.end(httpclient.ErrClosedThere)
		return false, sent
	}
	deadline := sent.Add(time.Minute)
	for full && time.Now().Before(deadline) {
		time.Sleep(min(time.Until(m.falco.busyUntil), time.Until(deadline))) // the bubble's clock
		full = m.falco.full()
	}
	if !full {
		m.falco.queue = append(m.falco.queue, simulatedRequest{events})
	}
	switch n := m.random.IntN(1000); {
	case full: // our own time-out
		m.end(httpclient.ErrClosedHere)
		return false, sent
	case n < 2: // the sink ends during the answer, so the answer is lost
		m.replace()
		m.end(httpclient.ErrClosedThere)
		return false, sent
	case n < 4: // the sink announces its end, and is replaced
		m.tracker.Answer(true, true)
		m.replace()
		m.end(httpclient.ErrClosedHere)
		return true, sent
	case n < 6: // this process stands still after the answer was sent, and the sink is replaced meanwhile
		m.replace()
		time.Sleep(8 * time.Second) // the bubble's clock
		m.tracker.Answer(true, false)
		m.note(events, sent)
		m.check()
		m.end(httpclient.ErrClosedThere)
		return false, sent
	}
	m.tracker.Answer(true, false)
	return true, sent
}

// note reports a 2xx to the tracker.
func (m *model) note(events []int64, sent time.Time) {
	if len(events) == 0 {
		m.tracker.Barrier(true, true, sent)
		return
	}
	m.tracker.Accepted(m.session, len(events), sent)
	m.sent[m.session.Accepted()] = events
}

func (m *model) post() {
	m.postSome([]int{1, 20, 128, 400}[m.random.IntN(4)])
}

// postSome posts a request with at most so many events.
func (m *model) postSome(most int) {
	m.stats.posts++
	events := make([]int64, 1+m.random.IntN(most))
	for i := range events {
		m.events++
		events[i] = m.events
	}
	m.tracker.Begin(m.session)
	if answered, sent := m.exchange(events); answered {
		m.note(events, sent)
	}
	m.tracker.End()
	m.check()
	m.reopen()
}

// idle does what the tracker asks for, as the link does, until the given time.
func (m *model) idle(until time.Time) {
	for {
		next := m.tracker.Next()
		if next == (barrier.Step{}) || time.Now().Add(next.After).After(until) {
			time.Sleep(time.Until(until)) // the bubble's clock
			return
		}
		time.Sleep(next.After) // the bubble's clock
		switch {
		case next.CloseIdle:
			m.end(httpclient.ErrClosedHere)
			time.Sleep(time.Until(until)) // the bubble's clock
			return
		case next.Barrier && m.tracker.BeginBarrier():
			m.stats.barriers++
			if answered, sent := m.exchange(nil); answered {
				m.note(nil, sent)
			}
			m.tracker.End()
			m.check()
			m.reopen()
		}
	}
}

func (m *model) step() {
	switch n := m.random.IntN(100); {
	case n < 70:
		for range 1 + m.random.IntN([]int{3, 60}[m.random.IntN(2)]) {
			m.post()
		}
	case n < 80: // a stop, or a partition that goes to another replica
		for range m.random.IntN(60) {
			m.postSome(20)
		}
		m.tracker.Hurry(1)
		m.idle(time.Now().Add(time.Duration(m.random.IntN(3000)) * time.Millisecond))
		m.tracker.Hurry(-1)
	case n < 95:
		m.idle(time.Now().Add(time.Duration(m.random.IntN([]int{1000, 15_000}[m.random.IntN(2)])) * time.Millisecond))
	case n < 97: // the sink is replaced while nothing is posted; the connection shows it
		m.replace()
		m.end([]error{httpclient.ErrClosedThere, errors.New("connection reset by peer"), httpclient.ErrClosedHere}[m.random.IntN(3)])
	case n < 98: // frozen
		m.replace()
		time.Sleep(8 * time.Second) // the bubble's clock
		m.end(httpclient.ErrClosedThere)
	case m.tracker.refusals < maxRefusals: // a proxy lives on, and says that it has no sink
		m.replace()
		m.tracker.Begin(m.session)
		m.tracker.Answer(false, false)
		m.tracker.NoSink(errors.New("503 by envoy"))
		m.tracker.End()
	}
	m.check()
	m.reopen()
}

func runModel(t *testing.T, seed uint64, steps int) *model {
	t.Helper()
	var m *model
	synctest.Test(t, func(t *testing.T) {
		m = newModel(t, seed)
		for done := 0; done < steps; done = m.stats.posts + m.stats.barriers {
			m.step()
		}
	})
	return m
}

func TestNoScheduleOfASimulatedFalcoLosesWhatIsConfirmed(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			m := runModel(t, seed, *modelSteps/8)
			t.Logf("%+v, %d events", m.stats, m.events)
			require.Zero(t, m.lost, "events were confirmed and not used")
			require.Positive(t, m.stats.confirmed)
			require.Positive(t, m.stats.losses)
			require.Positive(t, m.stats.barriers)
		})
	}
}
