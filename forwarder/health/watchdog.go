package health

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/maruel/natural"
)

// watchdog judges whether a consumer that has something to do gets anywhere. It starts nothing
// and stops nothing: it is told what happens, and answers when it is asked. Partitions are
// watched one by one, so that one that is wedged does not hide behind the others.
//
// What takes time at the sink or at the storage is not its business: a restart mends neither, so
// a hub event that is in hand is never judged, however long it is being posted, held, or waiting
// for its dead letter to be stored.
type watchdog struct {
	mu sync.Mutex
	// timeout is how long nothing may happen. Nothing is judged while it is 0.
	timeout time.Duration
	now     func() time.Time
	// answered is when the hub last answered a question, or when the watch began.
	answered   time.Time
	partitions map[string]*partitionWatch
}

// partitionWatch is what is known of a partition that this replica owns.
type partitionWatch struct {
	// lag is how many hub events it has that have no verdict yet.
	lag int64
	// inHand is how many of them the daemon is working on; while it is, the hub is not waited for.
	inHand int
	// since is when the waiting for the hub began: when there was first something to wait for, or
	// when what was in hand left it.
	since time.Time
}

// begin starts the watch.
func (w *watchdog) begin(timeout time.Duration, now func() time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timeout, w.now = timeout, now
	w.answered, w.partitions = now(), map[string]*partitionWatch{}
}

// tell runs what on the watch of a partition, which is made where there is none.
func (w *watchdog) tell(partition string, what func(v *partitionWatch, now time.Time)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.timeout == 0 {
		return
	}
	now := w.now()
	v := w.partitions[partition]
	if v == nil {
		v = &partitionWatch{since: now}
		w.partitions[partition] = v
	}
	what(v, now)
}

func (w *watchdog) hubAnswered() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.timeout > 0 {
		w.answered = w.now()
	}
}

func (w *watchdog) lags(partition string, events int64) {
	w.tell(partition, func(v *partitionWatch, now time.Time) {
		if v.lag <= 0 {
			v.since = now
		}
		v.lag = events
	})
}

func (w *watchdog) handling(partition string) {
	w.tell(partition, func(v *partitionWatch, _ time.Time) { v.inHand++ })
}

func (w *watchdog) handled(partition string) {
	w.tell(partition, func(v *partitionWatch, now time.Time) {
		v.inHand--
		v.since = now
	})
}

func (w *watchdog) forget(partition string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.partitions, partition)
}

// wedged says what does not get anywhere: the hub's answers, or partitions, in their order.
func (w *watchdog) wedged() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.timeout == 0 {
		return nil
	}
	now := w.now()
	var reasons []string
	if silence := now.Sub(w.answered); silence >= w.timeout {
		reasons = append(reasons, fmt.Sprintf("the hub has answered no question for %s", silence.Round(time.Second)))
	}
	for _, partition := range slices.SortedFunc(maps.Keys(w.partitions), natural.Compare) {
		v := w.partitions[partition]
		if idle := now.Sub(v.since); v.lag > 0 && v.inHand == 0 && idle >= w.timeout {
			reasons = append(reasons, fmt.Sprintf("partition %s has made no progress for %s, with %d hub events to read",
				partition, idle.Round(time.Second), v.lag))
		}
	}
	return reasons
}
