package main

import (
	"fmt"
	"sync"
	"time"
)

// counts is what became of the audit events.
type counts struct {
	appended, delivered, duplicates int
}

func (c counts) lost() int { return c.appended - c.delivered }

// exitCode is 1 if an audit event was lost.
func (c counts) exitCode() int {
	if c.lost() > 0 {
		return 1
	}
	return 0
}

// String is the summary line. The demo's users, and tests, look for it.
func (c counts) String() string {
	return fmt.Sprintf("appended %d, delivered %d, lost %d, duplicates %d", c.appended, c.delivered, c.lost(), c.duplicates)
}

// tally knows which audit events were appended to the hub and how often each has arrived.
type tally struct {
	mu       sync.Mutex
	arrivals map[string]int
	progress chan struct{}
}

func newTally() *tally {
	return &tally{arrivals: map[string]int{}, progress: make(chan struct{}, 1)}
}

// appended notes an audit event before it goes into the hub.
func (t *tally) appended(auditID string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.arrivals[auditID] = 0
}

// arrived notes that one came out at the other end, and returns how often it has by now.
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

// await waits until all that were appended have arrived, or none has for so long.
func (t *tally) await(patience time.Duration) {
	for t.counts().lost() > 0 {
		select {
		case <-t.progress:
		case <-time.After(patience):
			return
		}
	}
}
