// Package habit knows how a sink ends its connections in good order: announced after so many answers, or idle for so
// long. Three ends in a row that are alike are a habit.
package habit

import "time"

const (
	// habitual is how many ends in a row, all alike, are a habit.
	habitual = 3
	// certain is how many ends in a row make a sink one that always closes its connections. It is more than habitual,
	// because a sink that ends is believed from then on.
	certain = 5
	// alike is how much the idle times before two ends that are alike may differ.
	alike = 250 * time.Millisecond
)

// Habit is how the last connections ended. The zero value is ready for use.
type Habit struct {
	announced bool
	answers   int
	idle      time.Duration
	// times is how many ends in a row were like that.
	times int
}

// Announced notes that the sink announced the end of a connection in the last of so many answers.
func (h *Habit) Announced(answers int) { h.note(Habit{announced: true, answers: answers}) }

// Idle notes that the sink ended a connection that had been idle for so long.
func (h *Habit) Idle(idle time.Duration) { h.note(Habit{idle: idle}) }

func (h *Habit) note(end Habit) {
	like := h.announced == end.announced && h.answers == end.answers && (h.idle-end.idle).Abs() <= alike
	if !like {
		h.times = 0
	}
	end.times = h.times + 1
	*h = end
}

// Break notes that a connection ended in another way.
func (h *Habit) Break() { h.times = 0 }

// IdleTime returns how long a connection may be idle until the sink closes it, 0 if it has no such habit.
func (h *Habit) IdleTime() time.Duration {
	if h.announced || h.times < habitual {
		return 0
	}
	return h.idle
}

// ClosesWithin reports whether the sink is about to close a connection with so many answers: in one of the next ones.
// A sink that leaves no connection open for longer than that is always about to, which is no news. One that has left
// this connection open for longer has changed its habit.
func (h *Habit) ClosesWithin(next, answers int) bool {
	return h.announced && h.times >= habitual && h.answers > next && answers >= h.answers-next && answers < h.answers
}

// AlwaysWithin reports whether the sink always closes a connection behind that many answers, or earlier.
func (h *Habit) AlwaysWithin(answers int) bool {
	return h.announced && h.times >= certain && h.answers <= answers
}

// Outlasted reports whether a connection with that many answers has lasted longer than those that the sink had closed.
func (h *Habit) Outlasted(answers int) bool { return h.announced && answers > h.answers }

// Expected reports whether the last end says nothing about the sink, since it was like those before.
func (h *Habit) Expected() bool { return h.IdleTime() > 0 || h.times >= certain }
