package webhook

import (
	"io"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A server that closes every connection that has been idle for two seconds.
func TestASinkThatClosesIdleConnectionsAsAHabitLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, always(200), replaying)
		var losses []bool
		idle := func(idle time.Duration) {
			l := f.poster.OpenSession()
			defer l.Close()
			l.tracker.Connected()
			post(t, l, 1)
			<-time.After(idle) // the bubble's clock
			l.tracker.Dropped(io.EOF)
			losses = append(losses, isLost(l))
		}
		for range 5 {
			idle(2 * time.Second)
		}
		assert.Equal(t, []bool{true, true, true, false, false}, losses)
		losses = nil
		idle(1500 * time.Millisecond)
		assert.Equal(t, []bool{true}, losses, "that is not how it does it")
	})
}

// A Falco that dies while all partitions are quiet, twice after the same time.
func TestLanesThatAreClosedTogetherAreNoHabit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, always(200), replaying)
		for range 2 {
			lanes := make([]*Session, 8)
			for i := range lanes {
				lanes[i] = f.poster.OpenSession()
				lanes[i].tracker.Connected()
				post(t, lanes[i], 1)
			}
			<-time.After(2 * time.Second) // the bubble's clock
			for _, l := range lanes {
				l.tracker.Dropped(io.EOF)
				assert.True(t, isLost(l))
				l.Close()
			}
		}
	})
}

func TestWhatDoesNotFitAHabitIsALoss(t *testing.T) {
	for name, breach := range map[string]func(l *Session){
		"a reset":                          func(l *Session) { l.tracker.Dropped(syscall.ECONNRESET) },
		"a refused connection":             func(l *Session) { l.tracker.DialFailed(syscall.ECONNREFUSED) },
		"a close at once":                  func(l *Session) { l.tracker.Dropped(io.EOF) },
		"an idle connection that lasts":    func(l *Session) { <-time.After(6 * time.Second); l.Confirmed() },
		"a close with something in flight": func(l *Session) { l.tracker.Begin(); l.tracker.Dropped(io.EOF) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t, always(200), replaying)
				closing := func(how func(*Session)) bool {
					l := f.poster.OpenSession()
					defer l.Close()
					l.tracker.Connected()
					post(t, l, 1)
					how(l)
					return isLost(l)
				}
				habit := func(l *Session) {
					<-time.After(2 * time.Second) // the bubble's clock
					l.tracker.Dropped(io.EOF)
				}
				for range 3 {
					require.True(t, closing(habit))
				}
				closing(breach)
				assert.True(t, closing(habit))
			})
		})
	}
}
