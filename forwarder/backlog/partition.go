package backlog

import (
	"time"

	"aks-audit-log-go/forwarder/audit"
	"aks-audit-log-go/forwarder/metrics"
)

// caughtUpBelow is the age of the oldest waiting hub event below which a partition is no longer behind. It is less
// than metrics.BehindAfter, so that the state does not flap.
const caughtUpBelow = metrics.BehindAfter / 2

// partition is the last known state of a partition.
type partition struct {
	handled, delivered int64
	// lag is the number of waiting hub events, nil if unknown.
	lag *int64
	// idleSince is since when hub events wait and none was handled, zero if none waits.
	idleSince time.Time
	behind    bool
	// since is since when the partition is behind.
	since  time.Time
	window window
}

// see records the partition's current state. It returns what has changed since the last time, and how long the oldest
// waiting hub event has waited at least.
func (p *partition) see(s metrics.Snapshot, now time.Time) (change step, oldestAge time.Duration) {
	delivered := s.Records[audit.Delivered]
	change = step{handled: s.Handled - p.handled, delivered: delivered - p.delivered}
	change.caughtUp = change.handled
	if s.Lag != nil && p.lag != nil {
		change.caughtUp = *p.lag - *s.Lag
	}
	p.handled, p.delivered, p.lag = s.Handled, delivered, s.Lag
	switch {
	case !s.Owned:
		p.behind, p.idleSince = false, time.Time{}
	case s.Lag == nil:
	case *s.Lag == 0:
		p.behind, p.idleSince = false, time.Time{}
	default:
		oldestAge = p.judge(s.Oldest, change.handled > 0, now)
	}
	return change, oldestAge
}

// judge decides whether a partition with waiting hub events is behind, and returns how long the oldest has waited at
// least. oldest is its enqueued time, zero if none has been received.
func (p *partition) judge(oldest time.Time, getsOn bool, now time.Time) time.Duration {
	if getsOn || p.idleSince.IsZero() {
		p.idleSince = now
	}
	age := now.Sub(p.idleSince)
	if !oldest.IsZero() {
		age = max(age, now.Sub(oldest))
	}
	switch {
	case age > metrics.BehindAfter:
		p.behind = true
	case age < caughtUpBelow && !oldest.IsZero():
		p.behind = false
	}
	return age
}
