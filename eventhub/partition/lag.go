package partition

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/sirupsen/logrus"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/forwarder/health"
	"aks-audit-log-go/forwarder/metrics"
)

// LagInterval is how often the service is asked for the newest event of a partition, or a quarter of WATCHDOGTIMEOUT if
// that is less. The old SDK opens a connection for each request.
const LagInterval = 30 * time.Second

// WatchInterval shortens an interval to a quarter of WATCHDOGTIMEOUT, so that what the watchdog judges is looked at, and
// repaired if possible, before the watchdog judges it.
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
	// newest, done and removed are the sequence numbers of the newest event, of the last one with a verdict, and of the
	// last one that retention has removed.
	newest, done, removed atomic.Int64
	// stall compares what the hub holds with what arrives.
	stall *stallDetector
}

// start sets the position at which reading starts.
func (l *lag) start(position eventhub.Position) {
	l.done.Store(position.Sequence)
	l.newest.Store(position.Sequence)
	l.removed.Store(eventhub.NoSequence)
}

// observe notes that the partition holds this event, at least.
func (l *lag) observe(sequence int64) {
	raise(&l.newest, sequence)
	l.report()
}

// processed notes that all events up to this one have their verdict. An event that is read again after a loss of the sink
// does not lower it, and does not count again.
func (l *lag) processed(sequence int64) {
	if sequence > l.done.Load() {
		l.stats.Handled()
	}
	raise(&l.done, sequence)
	l.report()
}

func (l *lag) report() {
	events := max(0, l.newest.Load()-max(l.done.Load(), l.removed.Load()))
	l.stats.Lag(events)
	l.stats.Position(l.done.Load())
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
			l.log.WithError(err).Debug("the lag is not known anew")
		}
		return
	}
	raise(&l.removed, info.First-1)
	l.observe(info.Last)
	if info.First > info.Last {
		info.Last = eventhub.NoSequence // retention has removed everything
	}
	l.stall.check(info.Last)
}

// raise sets value to floor if it is less, also while others do the same.
func raise(value *atomic.Int64, floor int64) {
	for {
		known := value.Load()
		if known >= floor || value.CompareAndSwap(known, floor) {
			return
		}
	}
}
