package history

import "time"

// length is how many minutes are kept.
const length = 24 * 60

// ring holds the last minutes. The newest replaces the oldest.
type ring struct {
	over [length]minute
	// now is the current minute.
	now sample
	// first and last are the oldest and the newest minute, counted from the Unix epoch.
	first, last int64
}

// newRing returns a ring that holds only the current minute.
func newRing(now time.Time) *ring {
	at := minuteOf(now)
	return &ring{now: nothing, first: at, last: at}
}

func minuteOf(at time.Time) int64 { return at.Unix() / 60 }

// note adds a sample to the current minute. Minutes between the last sample and this one are recorded as empty. If the
// clock is set back, samples add to the newest minute until its time comes again.
func (r *ring) note(s sample, now time.Time) {
	wanted := minuteOf(now)
	if wanted-r.last > length {
		r.last, r.now = wanted-length, nothing
	}
	for r.last < wanted {
		r.over[r.last%length] = newMinute(r.now)
		r.now = nothing
		r.last++
	}
	r.first = max(r.first, r.last-length+1)
	r.now.note(s)
}

func (r *ring) each(do func(sample)) {
	for at := r.first; at < r.last; at++ {
		do(r.over[at%length].sample())
	}
	do(r.now)
}
