package harness

import (
	"testing"
	"time"
)

// FeedLoop appends to all partitions of a feed until End.
type FeedLoop struct {
	stop, done chan struct{}
}

// StartFeedLoop appends a hub event with three audit events to each partition at an interval.
func StartFeedLoop(t *testing.T, fed *Feed, every time.Duration) *FeedLoop {
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
				fed.Add(t, 1, 3)
			}
		}
	}()
	t.Cleanup(f.End)
	return f
}

// End stops the loop. After that the caller may use the feed again.
func (f *FeedLoop) End() {
	select {
	case <-f.stop:
	default:
		close(f.stop)
	}
	<-f.done
}
