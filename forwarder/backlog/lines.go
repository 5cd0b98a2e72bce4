package backlog

import (
	"math"
	"time"

	"github.com/sirupsen/logrus"

	"aks-audit-log-go/forwarder/metrics"
)

// tellBehind logs the backlog, unless the last such line is less than a minute old.
func (m *Monitor) tellBehind(b *metrics.Backlog, now time.Time) {
	// A tick may come a little early.
	if !m.lastLine.IsZero() && now.Sub(m.lastLine) < lineInterval-interval/2 {
		return
	}
	m.lastLine, m.behind.told = now, true
	m.log.WithFields(logrus.Fields{
		"hub_events_left": b.HubEvents, "oldest_age": seconds(b.OldestAgeSeconds),
		"hub_events_per_second": tenths(b.HubEventsPerSecond), "audit_events_per_second": tenths(b.AuditEventsPerSecond),
		"time_to_catch_up": timeToCatchUp(b),
	}).Info("behind the hub by more than a minute")
}

// tellEnd logs that this replica is no longer behind, if the log has said that it was.
func (m *Monitor) tellEnd(v view) {
	if !m.behind.told {
		return
	}
	log := m.log.WithFields(logrus.Fields{
		"after":      m.behind.done.took.Round(time.Second),
		"hub_events": m.behind.done.handled, "audit_events": m.behind.done.delivered,
	})
	if v.givenUp {
		log.Info("no longer behind the hub: the partitions that were are no longer owned")
		return
	}
	log.Info("caught up with the hub")
}

func timeToCatchUp(b *metrics.Backlog) string {
	switch {
	case b.HubEventsPerSecond == 0:
		return "unknown" // nothing was handled in the last minute
	case b.CatchUpSeconds == nil:
		return "never at this rate"
	default:
		return seconds(*b.CatchUpSeconds).String()
	}
}

// longest bounds the logged time, because a time.Duration cannot hold every number of seconds.
const longest = 10 * 365 * 24 * time.Hour

// seconds returns a number of seconds as a duration, without fractions.
func seconds(s float64) time.Duration {
	return time.Duration(math.Round(min(s, longest.Seconds()))) * time.Second
}

// tenths rounds a rate to one decimal.
func tenths(rate float64) float64 { return math.Round(rate*10) / 10 }
