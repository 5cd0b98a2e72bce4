package partition

import (
	"context"
	"errors"

	"github.com/sirupsen/logrus"
	"golang.org/x/sync/errgroup"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/eventhub/checkpoint"
	"aks-audit-log-go/eventhub/dedupe"
	"aks-audit-log-go/eventhub/unpack"
	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/forwarder/health"
	"aks-audit-log-go/forwarder/metrics"
	"aks-audit-log-go/internal/retry"
)

// partition forwards one partition for as long as this process owns it. Its goroutines hand
// events on in one direction: receive, gather, and deliver, which alone decides how far the
// checkpoint may go. They begin anew with each stretch.
type Partition struct {
	id    string
	cfg   forwarder.Config
	hub   eventhub.Hub
	store eventhub.Store
	sink  eventhub.Sink
	stats *metrics.Statistics
	log   logrus.FieldLogger
	// debugging spares the path of every event the cost of fields that nobody will see.
	debugging bool

	unpacker unpack.Unpacker
	// missedCluster is whether it was said that a record names no cluster.
	missedCluster bool
	copies        *dedupe.Cache
	// lease is for what copies remembers of the lane of this stretch.
	lease       *dedupe.Lease
	deadLetters *deadLetterLog
	checkpoints checkpoint.Writer
	lag         lag
	stall       stallDetector
	repeats     repeats
	share       share
	vigil       *Fence
}

// Shared is what all partitions of a consumer have in common.
type Shared struct {
	cfg    forwarder.Config
	hub    eventhub.Hub
	store  eventhub.Store
	sink   eventhub.Sink
	stats  *metrics.Statistics
	health *health.Health
	log    logrus.FieldLogger
	// budget bounds what all partitions together hold, deadLetters what they log of dead letters.
	budget      *budget
	deadLetters *deadLetterLog
	copies      *dedupe.Cache
	vigil       *Fence
}

// NewShared returns what New needs. Close ends it once no partition runs.
func NewShared(cfg forwarder.Config, hub eventhub.Hub, store eventhub.Store, sink eventhub.Sink, stats *metrics.Statistics, health *health.Health, log logrus.FieldLogger) *Shared {
	return &Shared{
		cfg: cfg, hub: hub, store: store, sink: sink, stats: stats, health: health, log: log,
		budget: newBudget(cfg), deadLetters: newDeadLetterLog(log), copies: dedupe.New(cfg.DedupeWindow, len(cfg.Categories)), vigil: &Fence{},
	}
}

// Close says what is still to be said in the log.
func (s *Shared) Close() { s.deadLetters.close() }

// newPartition returns the partition with that id. Nothing happens before run.
func New(id string, c *Shared) *Partition {
	log := c.log.WithField("partition", id)
	p := &Partition{
		id: id, cfg: c.cfg, hub: c.hub, store: c.store, sink: c.sink, stats: c.stats, log: log, debugging: forwarder.Debugging(c.log),
		share:    share{budget: c.budget},
		unpacker: unpack.Unpacker{Rules: unpack.RulesOf(c.cfg)},
		checkpoints: checkpoint.Writer{
			Store: c.store, Interval: c.cfg.CheckpointInterval, Stats: c.stats, Log: log,
			Stored: eventhub.Checkpoint{Partition: id, Sequence: eventhub.NoSequence},
		},
		deadLetters: c.deadLetters, copies: c.copies, vigil: c.vigil,
		lag: lag{partition: id, hub: c.hub, stats: c.stats, health: c.health, log: log, every: WatchInterval(c.cfg, LagInterval)},
	}
	p.lag.stall = &p.stall
	return p
}

// run forwards until stop ends, finishes the event in hand, waits until all is settled, and writes
// the last checkpoint. When work ends it abandons what is in hand instead; stop has to end with
// it. It returns an error when the partition went to another reader: from then on it has written
// nothing.
func (p *Partition) Run(stop, work context.Context, stored *eventhub.Checkpoint) error {
	position, err := p.prepare(stop, stored)
	if err != nil || stop.Err() != nil {
		return err
	}
	work, abandon := context.WithCancelCause(work)
	defer abandon(nil)
	group, stop := errgroup.WithContext(stop)
	// An error here means that the partition has another owner: nothing more may be posted.
	orAbandon := func(err error) error {
		if err != nil {
			abandon(err)
		}
		return err
	}
	group.Go(func() error { return p.runSessions(stop, work, position, orAbandon) })
	group.Go(func() error { return orAbandon(p.checkpoints.Run(stop)) })
	group.Go(func() error { p.lag.run(stop); return nil })
	if err := group.Wait(); err != nil {
		return err
	}
	return p.finish(work)
}

// finish writes the last checkpoint, even if work had to be abandoned behind it, but not if the
// partition has another owner.
func (p *Partition) finish(work context.Context) error {
	if cause := context.Cause(work); errors.Is(cause, eventhub.ErrDisplaced) {
		return cause
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(work), eventhub.CloseTimeout)
	defer cancel()
	if err := p.checkpoints.Flush(ctx); errors.Is(err, eventhub.ErrConflict) {
		return err
	}
	return nil
}

// prepare finds the place to start at and records it where that is needed. It goes on trying
// until it has it or stop ends.
func (p *Partition) prepare(stop context.Context, stored *eventhub.Checkpoint) (eventhub.Position, error) {
	if stored != nil {
		p.checkpoints.Stored = *stored
	}
	var begin startPoint
	err := retry.Do(stop, p.log, "find where to start", func() error {
		var err error
		if begin, err = findStart(stop, p.hub, p.id, stored, p.cfg.StartPosition); err != nil {
			return err
		}
		return p.recordStart(stop, begin)
	}, eventhub.ErrDisplaced, eventhub.ErrConflict)
	if err != nil {
		return eventhub.Position{}, err
	}
	p.lag.start(begin.Position)
	p.repeats.begin(begin.Position)
	log := p.log.WithField("sequence", begin.Position.Sequence).WithField("reason", begin.reason)
	if begin.unexpected {
		log.Warn("partition starts elsewhere than its checkpoint says")
	} else {
		log.Info("partition starts")
	}
	return begin.Position, nil
}

// record checkpoints a start position that a restart would not find again.
func (p *Partition) recordStart(ctx context.Context, begin startPoint) error {
	if !begin.record {
		return nil
	}
	p.checkpoints.Advance(eventhub.Event{Sequence: begin.Position.Sequence, Offset: begin.Position.Offset})
	return p.checkpoints.Flush(ctx)
}
