package backlog

import "time"

// step is what happened between two readings of the counters.
type step struct {
	took time.Duration
	// handled counts hub events. delivered counts audit events.
	handled, delivered int64
	// caughtUp is how many fewer hub events wait: those handled, less those that arrived.
	caughtUp int64
}

func (s *step) add(other step) {
	s.took += other.took
	s.handled += other.handled
	s.delivered += other.delivered
	s.caughtUp += other.caughtUp
}

// window holds the steps of the last minute.
type window []step

// push appends a step, and drops those before the last minute.
func (w *window) push(s step) {
	*w = append(*w, s)
	if excess := len(*w) - int(rateTime/interval); excess > 0 {
		*w = (*w)[excess:]
	}
}

func (w *window) sum() step {
	var all step
	for _, s := range *w {
		all.add(s)
	}
	return all
}

// perSecond returns n as a rate over the time of the step.
func (s step) perSecond(n int64) float64 {
	if s.took <= 0 {
		return 0
	}
	return float64(n) / s.took.Seconds()
}
