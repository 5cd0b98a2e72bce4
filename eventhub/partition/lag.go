package partition

import (
	"context"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/forwarder/health"
	"aks-audit-log-go/forwarder/metrics"
)

// LagInterval is how often the service is asked for the newest event of a partition, or a quarter of WATCHDOGTIMEOUT
// if that is less. The old SDK opens a connection for each request.
const LagInterval = 30 * time.Second

// WatchInterval shortens an interval to a quarter of WATCHDOGTIMEOUT, so that a fault is noticed, and repaired if
// possible, before the watchdog judges it.
func WatchInterval(cfg forwarder.Config, interval time.Duration) time.Duration {
	if cfg.WatchdogTimeout > 0 {
		return min(interval, cfg.WatchdogTimeout/4)
	}
	return interval
}

// lag measures how many hub events of a partition still wait for their verdict.
type lag struct {
	partition string
	hub       eventhub.Hub
	stats     *metrics.Partition
	health    *health.Health
	log       logrus.FieldLogger
	// every is how often the service is asked.
	every time.Duration
	// stall compares what the hub holds with what arrives.
	stall *stallDetector

	mu sync.Mutex
	// newest and done are the positions after the newest event and after the last one with a verdict.
	newest, done eventhub.Position
	// first is the sequence number of the oldest event that retention has left, 0 before that is known.
	first int64
}

// start sets the position at which reading starts.
func (l *lag) start(position eventhub.Position) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.newest, l.done, l.first = position, position, 0
}

// observe notes that the partition holds at least the event before that position.
func (l *lag) observe(position eventhub.Position) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.newest.Passed(position) {
		l.newest = position
	}
	l.report()
}

// processed notes that all events before that position have their verdict. Events that are read again after a loss of
// the sink do not count again.
func (l *lag) processed(position eventhub.Position) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.done.Passed(position) {
		l.done = position
		l.stats.Handled()
	}
	l.report()
}

// report passes on how many events wait. mu is held.
func (l *lag) report() {
	events := l.done.Waiting(l.newest, l.first)
	l.stats.Lag(events)
	l.stats.Position(l.done.Sequence)
	l.health.PartitionLag(l.partition, events)
}

// run asks the service at once, and then every interval until ctx ends.
func (l *lag) run(ctx context.Context) {
	ticker := time.NewTicker(l.every)
	defer ticker.Stop()
	for {
		l.refresh(ctx)
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// refresh asks the service what the partition holds.
func (l *lag) refresh(ctx context.Context) {
	info, err := l.hub.PartitionInfo(ctx, l.partition)
	if err != nil {
		if ctx.Err() == nil {
			l.log.WithError(err).Debug("the lag could not be updated")
		}
		return
	}
	newest := info.Newest()
	l.observe(newest)
	l.removeBefore(info.First)
	if info.First > info.Last {
		newest = eventhub.Beginning() // retention has removed everything
	}
	l.stall.check(newest)
}

// removeBefore notes that retention has removed the events before that sequence number.
func (l *lag) removeBefore(first int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.first = first
	l.report()
}
