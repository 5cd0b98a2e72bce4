package main

import (
	"fmt"
	"sync"
	"time"
)

// counts is how many audit events were appended to the hub, how many of them arrived, and how many arrivals were
// repeats.
type counts struct {
	appended, delivered, duplicates int
}

// lost returns how many audit events did not arrive.
func (c counts) lost() int { return c.appended - c.delivered }

// exitCode returns 1 if an audit event was lost, else 0.
func (c counts) exitCode() int {
	if c.lost() > 0 {
		return 1
	}
	return 0
}

// String returns the summary line, which users and tests look for.
func (c counts) String() string {
	return fmt.Sprintf("appended %d, delivered %d, lost %d, duplicates %d", c.appended, c.delivered, c.lost(), c.duplicates)
}

// tally counts which audit events were appended to the hub, and how often each of them has arrived.
type tally struct {
	mu sync.Mutex
	// arrivals is how often each audit event has arrived, by auditID.
	arrivals map[string]int
	// progress gets a value after each arrival.
	progress chan struct{}
}

func newTally() *tally {
	return &tally{arrivals: map[string]int{}, progress: make(chan struct{}, 1)}
}

// appended adds an audit event. Call it before the event is appended to the hub.
func (t *tally) appended(auditID string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.arrivals[auditID] = 0
}

// arrived counts an arrival of an audit event at the webhook, and returns how often it has arrived.
func (t *tally) arrived(auditID string) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.arrivals[auditID]++
	select {
	case t.progress <- struct{}{}:
	default:
	}
	return t.arrivals[auditID]
}

// counts returns the counts so far.
func (t *tally) counts() counts {
	t.mu.Lock()
	defer t.mu.Unlock()
	result := counts{appended: len(t.arrivals)}
	for _, times := range t.arrivals {
		if times > 0 {
			result.delivered++
			result.duplicates += times - 1
		}
	}
	return result
}

// await waits until all audit events have arrived, or until none has arrived for the timeout.
func (t *tally) await(timeout time.Duration) {
	for t.counts().lost() > 0 {
		select {
		case <-t.progress:
		case <-time.After(timeout):
			return
		}
	}
}
