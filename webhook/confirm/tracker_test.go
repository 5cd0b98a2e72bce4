package confirm

import (
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// replaying returns the options of a daemon with the default settings.
func replaying() Options {
	return Options{ConfirmTime: 5 * time.Second, Replay: true, KeepAlive: true, IdleCloses: &IdleCloses{}}
}

// post makes the sink accept n requests of one audit event each, one after the other.
func post(tracker *Tracker, n int) {
	for range n {
		tracker.Begin()
		tracker.Answer(false)
		tracker.Accept(1, 0)
		tracker.End()
	}
}

// await waits until everything is confirmed.
func await(tracker *Tracker) {
	for wait := tracker.UntilNextConfirmed(); wait > 0; wait = tracker.UntilNextConfirmed() {
		time.Sleep(wait) // the bubble's clock
	}
}

func isLost(tracker *Tracker) bool {
	select {
	case <-tracker.Lost():
		return true
	default:
		return false
	}
}

func TestAnAcceptedRequestIsConfirmedWhenTheSinkHasLivedOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tracker := NewTracker(replaying())
		post(tracker, 3)
		assert.EqualValues(t, 3, tracker.Accepted())
		time.Sleep(5*time.Second - time.Millisecond) // the bubble's clock
		assert.Zero(t, tracker.Confirmed())
		time.Sleep(time.Millisecond)
		assert.EqualValues(t, 3, tracker.Confirmed())
	})
}

// Falco can hold 52 requests, in its queue and while it parses or drops them, and 128 events in its engine.
func TestARequestIsConfirmedByThoseThatPushItThroughTheSink(t *testing.T) {
	for name, test := range map[string]struct{ events, unconfirmed int }{
		"of one event":       {1, 52 + 128},
		"of 22 events":       {22, 52 + 6},
		"of 128 events":      {128, 52 + 1},
		"of 400 events":      {400, 52 + 1},
		"without any events": {0, 1000},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tracker := NewTracker(replaying())
				for n := range 300 {
					tracker.Accept(test.events, 0)
					require.EqualValues(t, max(0, n+1-test.unconfirmed), tracker.Confirmed())
				}
			})
		})
	}
}

func TestANewConnectionStartsTheCountAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tracker := NewTracker(replaying())
		post(tracker, 180)
		assert.Zero(t, tracker.Confirmed())
		tracker.Connected()
		post(tracker, 179)
		assert.Zero(t, tracker.Confirmed(), "the 180 may be in another queue")
		post(tracker, 1)
		assert.EqualValues(t, 180, tracker.Confirmed())
		post(tracker, 1)
		assert.EqualValues(t, 181, tracker.Confirmed())
	})
}

func TestWithoutKeepAliveRequestsAreCountedOverAllConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		options := replaying()
		options.KeepAlive = false
		tracker := NewTracker(options)
		for range 181 {
			tracker.Connected()
			post(tracker, 1)
		}
		assert.EqualValues(t, 1, tracker.Confirmed(), "else memory would have no bound")
	})
}

// A full sink holds 51 requests and 128 events. It answers when it has processed a batch of 128 events, or a request
// that has more.
func TestASinkThatAnswersSlowlyIsWaitedForLonger(t *testing.T) {
	const second = time.Second
	for name, test := range map[string]struct {
		events  int
		answers []time.Duration
		want    time.Duration
	}{
		"quick":                               {1, []time.Duration{0, 0, 0}, 5 * second},
		"single events, slow":                 {1, []time.Duration{0, 64 * second, 0}, 89500 * time.Millisecond},
		"single events, slow once":            {1, []time.Duration{0, 3 * second, 0}, 5 * second},
		"large requests, slow":                {256, []time.Duration{0, 0, second, second}, 51500 * time.Millisecond},
		"large requests, slow but not enough": {256, []time.Duration{0, 50 * time.Millisecond, 50 * time.Millisecond}, 5 * second},
		"large requests, slow once":           {256, []time.Duration{0, second, 0}, 10 * second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tracker := NewTracker(replaying())
				for _, waited := range test.answers {
					tracker.Accept(test.events, waited)
				}
				began := time.Now()
				await(tracker)
				assert.InDelta(t, test.want, time.Since(began), float64(100*time.Millisecond))
				assert.EqualValues(t, len(test.answers), tracker.Confirmed())
			})
		})
	}
}

func TestWithAConfirmTimeOf0EverythingIsConfirmedAtOnceAndNothingLost(t *testing.T) {
	options := replaying()
	options.ConfirmTime = 0
	tracker := NewTracker(options)
	post(tracker, 3)
	assert.EqualValues(t, 3, tracker.Confirmed())
	tracker.Dropped(syscall.ECONNRESET)
	assert.False(t, isLost(tracker))
	assert.Zero(t, tracker.UntilNextConfirmed())
}

func TestWithoutReplayNothingIsLostAndConfirmingTakesItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		options := replaying()
		options.Replay = false
		tracker := NewTracker(options)
		post(tracker, 1)
		tracker.Dropped(syscall.ECONNRESET)
		tracker.DialFailed(syscall.ECONNREFUSED)
		assert.False(t, isLost(tracker))
		assert.Zero(t, tracker.Confirmed())
		await(tracker)
		assert.EqualValues(t, 1, tracker.Confirmed())
	})
}

func TestAClosedTrackerForbidsConnections(t *testing.T) {
	tracker := NewTracker(replaying())
	require.NoError(t, tracker.Dialling())
	tracker.Close()
	require.ErrorIs(t, tracker.Dialling(), errClosed)
}

func TestALossIsReportedAtOnceToADeliveryThatBeginsLater(t *testing.T) {
	tracker := NewTracker(replaying())
	post(tracker, 1)
	tracker.Dropped(syscall.ECONNRESET)
	var got error
	tracker.AbortWith(func(err error) { got = err })
	require.ErrorIs(t, got, ErrLost)
	require.ErrorIs(t, got, syscall.ECONNRESET)
}
