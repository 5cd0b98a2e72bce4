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

// lagInterval is how often the service is asked how far a partition has grown, or a quarter of
// WATCHDOGTIMEOUT where that is less. The old SDK makes a connection for each question.
const LagInterval = 30 * time.Second

// lag knows how many hub events of a partition still wait for their verdict.
type lag struct {
	partition string
	hub       eventhub.Hub
	stats     *metrics.Statistics
	health    *health.Health
	log       logrus.FieldLogger
	// every is how often the service is asked.
	every time.Duration
	// The sequence numbers of the newest event, of the last one with a verdict, and of the last
	// one that retention has removed.
	newest, done, removed atomic.Int64
	// stall is told what the hub has, to compare it with what arrives.
	stall *stallDetector
}

// begin sets where reading starts.
func (l *lag) start(position eventhub.Position) {
	l.done.Store(position.Sequence)
	l.newest.Store(position.Sequence)
	l.removed.Store(eventhub.NoSequence)
}

// arrived notes that the partition has at least this event.
func (l *lag) observe(sequence int64) {
	raise(&l.newest, sequence)
	l.show()
}

// processed notes that all events up to this one have their verdict. One that is read again
// because the sink was lost is not behind for that.
func (l *lag) processed(sequence int64) {
	raise(&l.done, sequence)
	l.show()
}

func (l *lag) show() {
	events := max(0, l.newest.Load()-max(l.done.Load(), l.removed.Load()))
	l.stats.PartitionLag(l.partition, events)
	l.stats.PartitionPosition(l.partition, l.done.Load())
	l.health.PartitionLag(l.partition, events)
}

// run asks the service every interval until ctx ends, and at once to begin with.
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
		info.Last = eventhub.NoSequence // retention has removed all that there was
	}
	l.stall.check(info.Last)
}

// raise sets value to at least floor, whoever else does the same.
func raise(value *atomic.Int64, floor int64) {
	for {
		known := value.Load()
		if known >= floor || value.CompareAndSwap(known, floor) {
			return
		}
	}
}

// watchInterval shortens an interval so that within WATCHDOGTIMEOUT it comes round often enough
// to notice what the watchdog will judge, and to have tried to mend it.
func WatchInterval(cfg forwarder.Config, interval time.Duration) time.Duration {
	if cfg.WatchdogTimeout > 0 {
		return min(interval, cfg.WatchdogTimeout/4)
	}
	return interval
}
