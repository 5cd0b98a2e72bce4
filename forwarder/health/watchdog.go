package health

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/maruel/natural"
)

// watchdog decides whether a consumer with work to do makes progress. It starts and stops nothing: the consumer
// reports what happens. The watchdog watches each partition by itself, so that the others do not hide a wedged one.
//
// The watchdog ignores the time that the sink or the storage takes, because a restart would help neither. So it never
// counts the time while a hub event is in hand: being posted, held, or waiting until its dead letter is stored.
type watchdog struct {
	mu sync.Mutex
	// timeout is how long the consumer may make no progress. 0 turns the watchdog off.
	timeout time.Duration
	now     func() time.Time
	// answered is when the hub last answered a management request, or when the watch started.
	answered   time.Time
	partitions map[string]*watchedPartition
}

// watchedPartition is the state of an owned partition.
type watchedPartition struct {
	// lag is how many hub events of the partition have no verdict yet.
	lag int64
	// inHand is how many hub events the daemon is working on. While there are any, the watchdog does not wait for the
	// hub.
	inHand int
	// since is when the daemon began to wait for the hub: when the lag rose above 0, or when the last hub event in
	// hand was done.
	since time.Time
}

func (w *watchdog) start(timeout time.Duration, now func() time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timeout, w.now = timeout, now
	w.answered, w.partitions = now(), map[string]*watchedPartition{}
}

// update calls change with a partition and the time. It adds a partition that is not watched yet.
func (w *watchdog) update(partition string, change func(p *watchedPartition, now time.Time)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.timeout == 0 {
		return
	}
	now := w.now()
	p := w.partitions[partition]
	if p == nil {
		p = &watchedPartition{since: now}
		w.partitions[partition] = p
	}
	change(p, now)
}

// hubAnswered records that the hub has answered a management request.
func (w *watchdog) hubAnswered() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.timeout > 0 {
		w.answered = w.now()
	}
}

// setLag records how many hub events of a partition have no verdict yet.
func (w *watchdog) setLag(partition string, events int64) {
	w.update(partition, func(p *watchedPartition, now time.Time) {
		if p.lag <= 0 {
			p.since = now
		}
		p.lag = events
	})
}

// handling records that the daemon works on another hub event of a partition.
func (w *watchdog) handling(partition string) {
	w.update(partition, func(p *watchedPartition, _ time.Time) { p.inHand++ })
}

// handled records that a hub event of a partition is done.
func (w *watchdog) handled(partition string) {
	w.update(partition, func(p *watchedPartition, now time.Time) {
		p.inHand--
		p.since = now
	})
}

func (w *watchdog) forget(partition string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.partitions, partition)
}

// wedged returns a sentence for the hub if it does not answer, and one for each partition without progress, in the
// order of their numbers.
func (w *watchdog) wedged() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.timeout == 0 {
		return nil
	}
	now := w.now()
	var reasons []string
	if silence := now.Sub(w.answered); silence >= w.timeout {
		reasons = append(reasons, fmt.Sprintf("the hub has answered no request for %s", silence.Round(time.Second)))
	}
	for _, id := range slices.SortedFunc(maps.Keys(w.partitions), natural.Compare) {
		p := w.partitions[id]
		if idle := now.Sub(p.since); p.lag > 0 && p.inHand == 0 && idle >= w.timeout {
			reasons = append(reasons, fmt.Sprintf("partition %s has made no progress for %s, with %d hub events to read",
				id, idle.Round(time.Second), p.lag))
		}
	}
	return reasons
}
