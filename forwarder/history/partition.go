package history

import (
	"math"
	"time"

	"aks-audit-log-go/forwarder/audit"
	"aks-audit-log-go/forwarder/metrics"
)

// lagSettles is how many readings after a claim the lag begins to show what arrives. Until then the service is asked
// for the newest hub event, and the whole backlog would seem to arrive at once.
const lagSettles = 12

// partition is the last known state of a partition, and its history.
type partition struct {
	// ring is nil if the partition has no history of its own.
	ring      *ring
	lastOwned time.Time

	handled, delivered int64
	lag                *int64
	// looks is how many readings in a row had a lag.
	looks int
	// answered is the time of the last known answer.
	answered time.Time
}

// see returns what has changed since the last call.
func (p *partition) see(s metrics.Snapshot, now time.Time) sample {
	seen := nothing
	handled, delivered := s.Handled-p.handled, s.Records[audit.Delivered]-p.delivered
	if s.Owned || handled > 0 || delivered > 0 {
		seen.handled, seen.delivered = float64(handled), float64(delivered)
	}
	if s.Lag != nil {
		seen.lag, seen.age = float64(*s.Lag), age(s, now)
		if p.lag != nil && p.looks >= lagSettles {
			seen.arrived = float64(max(handled+*s.Lag-*p.lag, 0))
		}
		p.looks++
	} else {
		p.looks = 0
	}
	if answer := s.LastAnswer; answer != nil && answer.At.After(p.answered) {
		p.answered, seen.answer = answer.At, answer.Seconds
		if answer.Failure != "" {
			seen.answer = math.Copysign(answer.Seconds, -1)
		}
	}
	p.handled, p.delivered, p.lag = s.Handled, s.Records[audit.Delivered], s.Lag
	return seen
}

// age returns the age of the newest delivered hub event in seconds, or of the oldest one in hand before the first is
// delivered. It is 0 while none waits, so that a quiet partition does not look late.
func age(s metrics.Snapshot, now time.Time) float64 {
	newest := s.Newest
	if newest.IsZero() {
		newest = s.Oldest
	}
	switch {
	case *s.Lag == 0:
		return 0
	case newest.IsZero():
		return unknown
	default:
		return max(now.Sub(newest), 0).Seconds()
	}
}
