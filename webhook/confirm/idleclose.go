package confirm

import (
	"sync"
	"time"
)

const (
	// maxLosses is how many closes in a row, all alike, count as losses. The next ones count as the sink's habit.
	maxLosses = 3
	// alike is how much the idle times before two closes that are alike may differ.
	alike = 250 * time.Millisecond
	// shortestIdle is the shortest time after which a server closes idle connections as a habit. A connection that is
	// closed sooner belongs to a process that ends.
	shortestIdle = time.Second
)

// IdleCloses tells a sink that dies from a sink that closes connections as a habit: after each answer, or when they
// have been idle for a certain time. A habitual close loses nothing, and to send the events again would go on for
// ever. All sessions share it. A Falco that restarts again and again does not look like a habit: its connections end
// at irregular times, the next ones are refused for a while, and it never closes idle ones. The zero IdleCloses is
// ready for use, and safe for concurrent use.
type IdleCloses struct {
	mu    sync.Mutex
	last  idleClose
	times int
	// at is when last was counted.
	at time.Time
}

// idleClose is the end of a connection that the sink closed in good order, with no request in flight.
type idleClose struct {
	// announced is whether the last answer announced the close. answers is how many answers the connection had.
	announced bool
	answers   int
	// idle is how long the connection had been idle, if the close was not announced.
	idle time.Duration
}

// habitual reports whether the close can be a habit of the sink.
func (c *idleClose) habitual() bool {
	return c != nil && (c.announced && c.answers == 1 || !c.announced && c.idle >= shortestIdle)
}

// closed notes a close and reports whether it counts as a habit. Idle connections that are closed together count once,
// however many sessions there are, because a sink that dies closes them together too.
func (i *IdleCloses) closed(c idleClose) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	like := i.times > 0 && c.announced == i.last.announced && (c.idle-i.last.idle).Abs() <= alike
	if like && !c.announced && time.Since(i.at) < shortestIdle {
		return i.times > maxLosses
	}
	if !like {
		i.times = 0
	}
	i.times++
	i.last, i.at = c, time.Now()
	return i.times > maxLosses
}

// reset notes something that does not fit a habit.
func (i *IdleCloses) reset() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.times = 0
}
