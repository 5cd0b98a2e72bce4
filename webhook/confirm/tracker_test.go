package confirm

import (
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/httpclient"
	"aks-audit-log-go/webhook/queue"
)

// replaying returns the options of a daemon with the default settings.
func replaying() Options {
	return Options{ConfirmTime: 5 * time.Second, Interval: 5 * time.Second, Replay: true, KeepAlive: true, Barriers: true, Weaker: func(string) {}}
}

// accept makes the sink accept n requests of one audit event each, one after the other.
func accept(t *Tracker, s *Session, n, events int) {
	for range n {
		sent := time.Now()
		t.Begin(s)
		t.Answer(true, false)
		t.Accepted(s, events, sent)
		t.End()
	}
}

// Falco can hold 52 requests, in its queue and while it parses or drops them, and 128 events in its engine.
func TestARequestIsConfirmedByThoseThatPushItThroughTheSink(t *testing.T) {
	for name, test := range map[string]struct{ events, unconfirmed int }{
		"of one event":  {1, 52 + 128},
		"of 22 events":  {22, 52 + 6},
		"of 128 events": {128, 52 + 1},
		"of 400 events": {400, 52 + 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tracker := NewTracker(replaying())
				session := tracker.Join()
				for n := range 300 {
					accept(tracker, session, 1, test.events)
					require.EqualValues(t, max(0, n+1-test.unconfirmed), session.Confirmed())
				}
			})
		})
	}
}

func TestTimeWithoutAnAnswerConfirmsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tracker := NewTracker(replaying())
		session := tracker.Join()
		accept(tracker, session, 60, 1)
		time.Sleep(time.Hour) // the bubble's clock
		assert.Zero(t, session.Confirmed())
		accept(tracker, session, 1, 1)
		assert.EqualValues(t, 8, session.Confirmed(), "those that 52 requests had followed an hour ago")
	})
}

// A process that stood still reads an answer long after it was sent.
func TestAnAnswerProvesWhatWasSentBeforeNotWhenItIsRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tracker := NewTracker(replaying())
		session := tracker.Join()
		accept(tracker, session, 60, 1)
		sent := time.Now()
		tracker.Begin(session)
		time.Sleep(8 * time.Second) // the bubble's clock
		tracker.Answer(true, false)
		tracker.Accepted(session, 1, sent)
		assert.Zero(t, session.Confirmed())
	})
}

func TestAnyEndOfTheConnectionLosesWhatIsNotConfirmed(t *testing.T) {
	for name, err := range map[string]error{"closed": httpclient.ErrClosedThere, "closed here": httpclient.ErrClosedHere, "broken": io.ErrUnexpectedEOF} {
		t.Run(name, func(t *testing.T) {
			tracker := NewTracker(replaying())
			session, idle := tracker.Join(), tracker.Join()
			accept(tracker, session, 54, 400)
			tracker.Ended(err)
			require.ErrorIs(t, session.Err(), ErrLost)
			assert.EqualValues(t, 1, session.Confirmed())
			require.NoError(t, idle.Err(), "nothing of it was lost")
			tracker.Begin(session)
			require.ErrorIs(t, tracker.Dialling(), ErrLost, "nothing overtakes what was lost")
			tracker.Begin(idle)
			require.NoError(t, tracker.Dialling())
		})
	}
}

func TestANewConnectionStartsTheCountAgain(t *testing.T) {
	tracker := NewTracker(replaying())
	accept(tracker, tracker.Join(), 60, 400)
	tracker.Ended(httpclient.ErrClosedThere)
	tracker.Connected()
	session := tracker.Join()
	accept(tracker, session, 53, 400)
	before := session.Confirmed()
	accept(tracker, session, 1, 400)
	assert.Equal(t, before+1, session.Confirmed())
}

// closeIdle leaves the connection of a sink idle until the next step, but at most for that time, and reports whether
// the sink closed it.
func closeIdle(tracker *Tracker, after time.Duration) bool {
	if next := tracker.Next(); next.Barrier && next.After < after {
		time.Sleep(next.After) // the bubble's clock
		if tracker.BeginBarrier() {
			tracker.Answer(true, false)
			tracker.Barrier(true, true, time.Now())
			tracker.End()
		}
		return false
	}
	time.Sleep(after) // the bubble's clock
	tracker.Ended(httpclient.ErrClosedThere)
	return true
}

// Without the earlier barriers its events would be sent again forever.
func TestASinkThatClosesIdleConnectionsSoonGetsBarriersBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tracker, lost := NewTracker(replaying()), 0
		for {
			tracker.Connected()
			session := tracker.Join()
			accept(tracker, session, 1, 1)
			for session.Err() == nil && session.Confirmed() < session.Accepted() {
				closeIdle(tracker, time.Second)
			}
			if session.Err() == nil {
				break
			}
			lost++
		}
		assert.Equal(t, 3, lost)
	})
}

// nginx, for example, closes a connection after 1,000 answers.
func TestASinkThatClosesBehindTheSameNumberOfAnswersGetsBarriersBefore(t *testing.T) {
	const answers, unproven = 100, queue.Requests + 1
	tracker := NewTracker(replaying())
	for range 3 {
		tracker.Connected()
		session := tracker.Join()
		accept(tracker, session, answers-1, 128)
		assert.False(t, tracker.Next().Row)
		tracker.Begin(session)
		tracker.Answer(true, true)
		tracker.Accepted(session, 128, time.Now())
		tracker.End()
		tracker.Ended(httpclient.ErrClosedHere)
		assert.EqualValues(t, answers-unproven, session.Confirmed()-session.Accepted()+answers)
	}
	tracker.Connected()
	session := tracker.Join()
	accept(tracker, session, answers-unproven-1, 128)
	assert.False(t, tracker.Next().Row)
	accept(tracker, session, 1, 128)
	for range unproven {
		assert.True(t, tracker.Next().Row)
		require.True(t, tracker.BeginBarrier())
		tracker.Answer(true, false)
		tracker.Barrier(true, true, time.Now())
		tracker.End()
	}
	assert.Equal(t, session.Accepted()-1, session.Confirmed(), "all but the engine's last batch")
	assert.False(t, tracker.Next().Row, "it leaves this one open")
}

// With KEEPALIVE=false each request has its own connection, whose end says nothing about the sink.
func TestWithoutKeepAliveTimeConfirms(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		options := replaying()
		options.KeepAlive = false
		tracker := NewTracker(options)
		session := tracker.Join()
		for range 3 {
			tracker.Connected()
			accept(tracker, session, 1, 1)
			tracker.Ended(httpclient.ErrClosedHere)
		}
		assert.Zero(t, session.Confirmed())
		time.Sleep(5 * time.Second) // the bubble's clock
		assert.EqualValues(t, 3, session.Confirmed())
		accept(tracker, session, 1, 1)
		tracker.DialFailed(io.ErrUnexpectedEOF)
		require.ErrorIs(t, session.Err(), ErrLost)
	})
}

func TestWithoutReplayNothingIsLost(t *testing.T) {
	options := replaying()
	options.Replay = false
	tracker := NewTracker(options)
	session := tracker.Join()
	accept(tracker, session, 1, 1)
	tracker.Ended(httpclient.ErrClosedThere)
	tracker.DialFailed(httpclient.ErrClosedThere)
	require.NoError(t, session.Err())
}

// Five Falcos may have stopped at the same moment by chance.
func TestASinkThatLeavesAConnectionOpenAfterAllIsNotBelievedAnyMore(t *testing.T) {
	tracker := NewTracker(replaying())
	for range 5 {
		tracker.Connected()
		session := tracker.Join()
		tracker.Begin(session)
		tracker.Answer(true, true)
		tracker.Accepted(session, 1, time.Now())
		tracker.End()
		tracker.Ended(httpclient.ErrClosedHere)
	}
	require.Equal(t, queue.ByTime, tracker.queue.Proof)
	tracker.Connected()
	session := tracker.Join()
	accept(tracker, session, 1, 1)
	require.NoError(t, session.Err())
	accept(tracker, session, 1, 1)
	require.ErrorIs(t, session.Err(), ErrLost)
	require.Equal(t, queue.ByBarriers, tracker.queue.Proof)
}
