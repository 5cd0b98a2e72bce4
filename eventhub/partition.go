package eventhub

import (
	"context"
	"errors"

	"github.com/sirupsen/logrus"
	"golang.org/x/sync/errgroup"

	"aks-audit-log-go/forwarder"
)

// partition forwards one partition for as long as this process owns it. Its goroutines hand
// events on in one direction: receive, gather, and deliver, which alone decides how far the
// checkpoint may go. They begin anew with each stretch.
type partition struct {
	id    string
	cfg   forwarder.Config
	hub   Hub
	store Store
	sink  Sink
	stats *forwarder.Statistics
	log   logrus.FieldLogger
	// debugging spares the path of every event the cost of fields that nobody will see.
	debugging bool

	unpacker unpacker
	// missedCluster is whether it was said that a record names no cluster.
	missedCluster bool
	copies        *copies
	// lease is for what copies remembers of the lane of this stretch.
	lease       *lease
	deadLetters *deadLetterLog
	checkpoints checkpointer
	lag         lag
	stall       stallWatch
	repeats     repeats
	share       share
	vigil       *vigil
}

func newPartition(id string, c *Consumer) *partition {
	log := c.log.WithField("partition", id)
	p := &partition{
		id: id, cfg: c.cfg, hub: c.hub, store: c.store, sink: c.sink, stats: c.stats, log: log, debugging: debugging(c.log),
		share:    share{budget: c.budget},
		unpacker: unpacker{rules: rulesOf(c.cfg)},
		checkpoints: checkpointer{
			store: c.store, interval: c.cfg.CheckpointInterval, stats: c.stats, log: log,
			stored: Checkpoint{Partition: id, Sequence: noSequence},
		},
		copies:      c.copies,
		deadLetters: c.deadLetters,
		vigil:       c.vigil,
		lag:         lag{partition: id, hub: c.hub, stats: c.stats, health: c.health, log: log, every: watchInterval(c.cfg, lagInterval)},
	}
	p.lag.stall = &p.stall
	return p
}

// run forwards until stop ends, finishes the event in hand, waits until all is settled, and writes
// the last checkpoint. When work ends it abandons what is in hand instead; stop has to end with
// it. It returns an error when the partition went to another reader: from then on it has written
// nothing.
func (p *partition) run(stop, work context.Context, stored *Checkpoint) error {
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
	group.Go(func() error { return p.flow(stop, work, position, orAbandon) })
	group.Go(func() error { return orAbandon(p.checkpoints.run(stop)) })
	group.Go(func() error { p.lag.run(stop); return nil })
	if err := group.Wait(); err != nil {
		return err
	}
	return p.finish(work)
}

// finish writes the last checkpoint, even if work had to be abandoned behind it, but not if the
// partition has another owner.
func (p *partition) finish(work context.Context) error {
	if cause := context.Cause(work); errors.Is(cause, ErrDisplaced) {
		return cause
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(work), farewellTimeout)
	defer cancel()
	if err := p.checkpoints.flush(ctx); errors.Is(err, ErrLostRace) {
		return err
	}
	return nil
}

// prepare finds the place to start at and records it where that is needed. It goes on trying
// until it has it or stop ends.
func (p *partition) prepare(stop context.Context, stored *Checkpoint) (Position, error) {
	if stored != nil {
		p.checkpoints.stored = *stored
	}
	var begin start
	err := retry(stop, p.log, "find where to start", func() error {
		var err error
		if begin, err = findStart(stop, p.hub, p.id, stored, p.cfg.StartPosition); err != nil {
			return err
		}
		return p.record(stop, begin)
	})
	if err != nil {
		return Position{}, err
	}
	p.lag.begin(begin.position)
	p.repeats.begin(begin.position)
	log := p.log.WithField("sequence", begin.position.Sequence).WithField("reason", begin.reason)
	if begin.surprising {
		log.Warn("partition starts elsewhere than its checkpoint says")
	} else {
		log.Info("partition starts")
	}
	return begin.position, nil
}

// record checkpoints a start position that a restart would not find again.
func (p *partition) record(ctx context.Context, begin start) error {
	if !begin.checkpoint {
		return nil
	}
	p.checkpoints.advance(Event{Sequence: begin.position.Sequence, Offset: begin.position.Offset})
	return p.checkpoints.flush(ctx)
}

// receive hands the events behind position on until ctx ends, opening the partition again
// whenever the hub's client gives up. It returns ErrDisplaced when another reader took it.
func (p *partition) receive(ctx context.Context, position Position, events chan<- Event) error {
	return retry(ctx, p.log, "receive", func() error {
		attempt, end := context.WithCancelCause(ctx)
		defer end(nil)
		p.stall.begin(position.Sequence, end)
		err := p.hub.Receive(attempt, p.id, position, func(handing context.Context, event Event) {
			if attempt.Err() != nil { // one before it may have been left, and a client may not know yet
				return
			}
			p.stall.arrived(event.Sequence)
			select {
			case events <- event:
				position.Sequence, position.Offset = event.Sequence, event.Offset
				p.stall.taken()
			case <-handing.Done():
			case <-attempt.Done():
			}
		})
		if err == nil {
			err = context.Cause(attempt) // it was stalled, or ctx has ended
		}
		if !errors.Is(err, ErrDisplaced) && ctx.Err() == nil {
			p.stats.ReceiveFailed(p.id)
		}
		return err
	})
}

func debugging(log logrus.FieldLogger) bool {
	switch log := log.(type) {
	case *logrus.Logger:
		return log.IsLevelEnabled(logrus.DebugLevel)
	case *logrus.Entry:
		return log.Logger.IsLevelEnabled(logrus.DebugLevel)
	default:
		return true
	}
}
