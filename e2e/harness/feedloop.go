package harness

import (
	"testing"
	"time"
)

// FeedLoop appends to all partitions of a feed until End.
type FeedLoop struct {
	stop, done chan struct{}
}

// EventsPerLoop is how many audit events each hub event of a FeedLoop has.
const EventsPerLoop = 3

// StartFeedLoop appends a hub event of EventsPerLoop audit events to each partition, at an interval.
func StartFeedLoop(t *testing.T, fed *Feed, every time.Duration) *FeedLoop {
	t.Helper()
	return StartFeedLoopOf(t, fed, every, EventsPerLoop)
}

// StartFeedLoopOf is StartFeedLoop with another number of audit events in each hub event.
func StartFeedLoopOf(t *testing.T, fed *Feed, every time.Duration, events int) *FeedLoop {
	t.Helper()
	f := &FeedLoop{stop: make(chan struct{}), done: make(chan struct{})}
	go func() {
		defer close(f.done)
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		for {
			select {
			case <-f.stop:
				return
			case <-ticker.C:
				fed.Add(t, 1, events)
			}
		}
	}()
	t.Cleanup(f.End)
	return f
}

// End stops the loop. The caller may then use the feed again.
func (f *FeedLoop) End() {
	select {
	case <-f.stop:
	default:
		close(f.stop)
	}
	<-f.done
}
