// Package habit learns how a sink ends its connections in good order: announced after a number of answers, or after an
// idle time. Three similar ends in a row are a habit.
package habit

import "time"

const (
	// habitual is how many similar ends in a row are a habit.
	habitual = 3
	// certain is how many similar ends in a row mean that a sink always closes its connections. It is more than
	// habitual, because such an end no longer counts as a loss.
	certain = 5
	// alike is how much the idle times before two similar ends may differ.
	alike = 250 * time.Millisecond
)

// Habit describes how the last connections ended. Its zero value is ready for use.
type Habit struct {
	announced bool
	answers   int
	idle      time.Duration
	// times is how many ends in a row were like that.
	times int
}

// Announced records that the sink announced the end of a connection in the last of so many answers.
func (h *Habit) Announced(answers int) { h.note(Habit{announced: true, answers: answers}) }

// Idle records that the sink ended a connection that had been idle for that time.
func (h *Habit) Idle(idle time.Duration) { h.note(Habit{idle: idle}) }

func (h *Habit) note(end Habit) {
	like := h.announced == end.announced && h.answers == end.answers && (h.idle-end.idle).Abs() <= alike
	if !like {
		h.times = 0
	}
	end.times = h.times + 1
	*h = end
}

// Break records that a connection ended in another way.
func (h *Habit) Break() { h.times = 0 }

// IdleTime returns how long the sink leaves an idle connection open, 0 if it has no such habit.
func (h *Habit) IdleTime() time.Duration {
	if h.announced || h.times < habitual {
		return 0
	}
	return h.idle
}

// ClosesWithin reports whether the sink is about to close a connection with so many answers, in one of the next ones.
// It is false if no connection ever gets more answers than next, because that is no news. It is also false if this
// connection has lasted longer than the habit.
func (h *Habit) ClosesWithin(next, answers int) bool {
	return h.announced && h.times >= habitual && h.answers > next && answers >= h.answers-next && answers < h.answers
}

// AlwaysWithin reports whether the sink always closes a connection after at most so many answers.
func (h *Habit) AlwaysWithin(answers int) bool {
	return h.announced && h.times >= certain && h.answers <= answers
}

// Outlasted reports whether a connection with so many answers has lasted longer than those that the sink closed.
func (h *Habit) Outlasted(answers int) bool { return h.announced && answers > h.answers }

// Expected reports whether the last end says nothing about the sink, because it was like those before.
func (h *Habit) Expected() bool { return h.IdleTime() > 0 || h.times >= certain }
