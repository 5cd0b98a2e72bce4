package confirm

import (
	"io"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// session accepts a request over a connection, ends it with end, and reports whether that counts as a loss.
func session(options Options, end func(*Tracker)) (lost bool) {
	tracker := NewTracker(options)
	defer tracker.Close()
	tracker.Connected()
	post(tracker, 1)
	end(tracker)
	return isLost(tracker)
}

// closesIdle closes the connection after it has been idle for so long.
func closesIdle(idle time.Duration) func(*Tracker) {
	return func(tracker *Tracker) {
		time.Sleep(idle) // the bubble's clock
		tracker.Dropped(io.EOF)
	}
}

// The sink closes every connection that has been idle for two seconds.
func TestASinkThatClosesIdleConnectionsAsAHabitLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		options := replaying()
		var losses []bool
		for range 5 {
			losses = append(losses, session(options, closesIdle(2*time.Second)))
		}
		assert.Equal(t, []bool{true, true, true, false, false}, losses)
		assert.True(t, session(options, closesIdle(1500*time.Millisecond)), "the habit has another idle time")
	})
}

// Falco dies while all partitions are quiet, twice after the same idle time.
func TestSessionsThatAreClosedTogetherAreNoHabit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		options := replaying()
		for range 2 {
			trackers := make([]*Tracker, 8)
			for i := range trackers {
				trackers[i] = NewTracker(options)
				trackers[i].Connected()
				post(trackers[i], 1)
			}
			time.Sleep(2 * time.Second) // the bubble's clock
			for _, tracker := range trackers {
				tracker.Dropped(io.EOF)
				assert.True(t, isLost(tracker))
				tracker.Close()
			}
		}
	})
}

func TestWhatDoesNotFitAHabitIsALoss(t *testing.T) {
	for name, end := range map[string]func(*Tracker){
		"a reset":                       func(tracker *Tracker) { tracker.Dropped(syscall.ECONNRESET) },
		"a refused connection":          func(tracker *Tracker) { tracker.DialFailed(syscall.ECONNREFUSED) },
		"a close at once":               func(tracker *Tracker) { tracker.Dropped(io.EOF) },
		"an idle connection that lasts": func(tracker *Tracker) { time.Sleep(6 * time.Second); tracker.Confirmed() }, // the bubble's clock
		"a close with a POST in flight": func(tracker *Tracker) { tracker.Begin(); tracker.Dropped(io.EOF) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				options := replaying()
				habit := closesIdle(2 * time.Second)
				for range 3 {
					require.True(t, session(options, habit))
				}
				session(options, end)
				assert.True(t, session(options, habit))
			})
		})
	}
}
