package backlog

import (
	"context"
	"time"

	"github.com/sirupsen/logrus"

	"aks-audit-log-go/forwarder/metrics"
)

const (
	// interval is the time between two readings of the counters.
	interval = 5 * time.Second
	// lineInterval is the time between two log lines.
	lineInterval = time.Minute
	// rateTime is the time that rates cover. The newest event of each partition is requested twice in it, so that
	// arrivals are spread evenly enough.
	rateTime = time.Minute
)

// Monitor computes the backlog of this replica from the counters of its partitions. The delivery of hub events does
// not depend on it.
type Monitor struct {
	stats *metrics.Statistics
	log   logrus.FieldLogger

	// The fields below belong to the goroutine of Run.
	partitions map[string]*partition
	window     window
	last       time.Time
	// behind is the current backlog's episode, nil if there is none.
	behind *episode
	// lastLine is when the log last said that this replica is behind.
	lastLine time.Time
}

// episode is the time from the start of a backlog to its end.
type episode struct {
	since time.Time
	// done is what was done since its start.
	done step
	// told is whether the log has said so.
	told bool
}

// New returns a monitor of the partitions that stats counts. Run starts it.
func New(stats *metrics.Statistics, log logrus.FieldLogger) *Monitor {
	return &Monitor{stats: stats, log: log, partitions: map[string]*partition{}}
}

// Run reads the counters until ctx ends. It records the backlog in the statistics, and logs it once a minute.
func (m *Monitor) Run(ctx context.Context) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	m.last = time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			m.look(time.Now())
		}
	}
}

// look compares the counters with the last ones.
func (m *Monitor) look(now time.Time) {
	change, all := step{took: now.Sub(m.last)}, view{}
	m.last = now
	for id, counted := range m.stats.Partitions() {
		all.add(m.see(id, counted, now, &change))
	}
	m.window.push(change)
	switch {
	case all.behind && m.behind == nil:
		m.behind = &episode{since: now.Add(-change.took), done: change}
		m.stats.SetBacklog(newBacklog(all, m.behind.since, m.window))
	case all.behind:
		m.behind.done.add(change)
		backlog := newBacklog(all, m.behind.since, m.window)
		m.stats.SetBacklog(backlog)
		m.tellBehind(backlog, now)
	case m.behind != nil:
		m.behind.done.add(change)
		m.stats.SetBacklog(nil)
		m.tellEnd(all)
		m.behind = nil
	}
}

type view struct {
	behind bool
	// givenUp is whether a partition that was behind is no longer owned.
	givenUp bool
	// waiting is the number of waiting hub events.
	waiting int64
	// oldestAge is how long the oldest of them has waited at least.
	oldestAge time.Duration
}

func (v *view) add(other view) {
	v.behind = v.behind || other.behind
	v.givenUp = v.givenUp || other.givenUp
	v.waiting += other.waiting
	v.oldestAge = max(v.oldestAge, other.oldestAge)
}

// see reads the counters of one partition, records its backlog, and adds its changes to change.
func (m *Monitor) see(id string, counted *metrics.Partition, now time.Time, change *step) view {
	p := m.partitions[id]
	if p == nil {
		p = &partition{}
		m.partitions[id] = p
	}
	s, wasBehind := counted.Snapshot(), p.behind
	changed, oldestAge := p.see(s, now)
	change.add(changed)
	v := view{behind: p.behind, givenUp: wasBehind && !s.Owned, oldestAge: oldestAge}
	if s.Lag != nil {
		v.waiting = *s.Lag
	}
	changed.took = change.took
	p.window.push(changed)
	if !p.behind {
		counted.SetBacklog(nil)
		return v
	}
	if !wasBehind {
		p.since = now.Add(-change.took)
	}
	counted.SetBacklog(newBacklog(v, p.since, p.window))
	return v
}

func newBacklog(v view, since time.Time, lately window) *metrics.Backlog {
	all := lately.sum()
	b := &metrics.Backlog{
		Since: since.UTC(), HubEvents: v.waiting, OldestAgeSeconds: v.oldestAge.Seconds(),
		HubEventsPerSecond: all.perSecond(all.handled), AuditEventsPerSecond: all.perSecond(all.delivered),
	}
	if all.handled > 0 && all.caughtUp > 0 {
		seconds := float64(v.waiting) / all.perSecond(all.caughtUp)
		b.CatchUpSeconds = &seconds
	}
	return b
}
