package confirm

import (
	"sync"
	"time"
)

const (
	// maxClosings is how many closings in a row, all alike, are taken for losses before they
	// are taken for a habit.
	maxClosings = 3
	// alike is how much the idle times before two of them may differ.
	alike = 250 * time.Millisecond
	// shortestHabit is the least time that a server leaves an idle connection open. One that is
	// closed sooner belongs to a process that ends.
	shortestHabit = time.Second
)

// habits tell a sink that dies from one that closes its connections as a habit: after each
// answer, or when they have been idle for as long as it was told. What such a sink accepted is
// not lost, and sending it again would go on for ever. All lanes share them. A Falco that is
// restarted again and again does not look like it: its connections end at odd moments, the next
// are refused for a while, and it leaves idle ones alone.
type IdleCloses struct {
	mu    sync.Mutex
	last  idleClose
	times int
	// at is when the last one was counted.
	at time.Time
}

// closing is the end of a connection that the sink closed in good order, with nothing in flight.
type idleClose struct {
	// announced is whether the last answer said so; answers is how many there were on it.
	announced bool
	answers   int
	// idle is how long the connection had been idle, where it was not announced.
	idle time.Duration
}

// habitual reports whether a habit could be the reason.
func (c *idleClose) habitual() bool {
	return c != nil && (c.announced && c.answers == 1 || !c.announced && c.idle >= shortestHabit)
}

// closed notes one and reports whether it is a habit by now. Idle connections that are closed
// together count once, however many lanes there are: so does a sink close them that dies.
func (h *IdleCloses) closed(c idleClose) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	like := h.times > 0 && c.announced == h.last.announced && (c.idle-h.last.idle).Abs() <= alike
	if like && !c.announced && time.Since(h.at) < shortestHabit {
		return h.times > maxClosings
	}
	if !like {
		h.times = 0
	}
	h.times++
	h.last, h.at = c, time.Now()
	return h.times > maxClosings
}

// forget notes that something does not fit a habit.
func (h *IdleCloses) reset() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.times = 0
}
