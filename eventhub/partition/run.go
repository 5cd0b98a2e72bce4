package partition

import (
	"context"

	"github.com/sirupsen/logrus"
	"golang.org/x/sync/errgroup"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/eventhub/dedupe"
	"aks-audit-log-go/internal/retry"
)

// flow reads and delivers from behind position until stop ends, one stretch after the other: when
// the sink is lost with what it had accepted, that is read again. What it might lose is not kept
// here but in the hub, where it stands anyway: so it takes no memory, and what follows a loss is
// what follows a crash.
func (p *Partition) runSessions(stop, work context.Context, position eventhub.Position, displaced func(error) error) error {
	delays := retry.Backoff{Min: retry.MinDelay, Max: retry.MaxDelay, FirstAtOnce: true}
	for stop.Err() == nil {
		lane := p.sink.OpenSession()
		err := p.runSession(stop, work, lane, position, displaced)
		lane.Close()
		if err != nil {
			return err
		}
		before := position.Sequence
		position = p.checkpoints.Position(position)
		if lost := lane.Err(); lost != nil {
			p.sinkLost(lost, position)
			// A sink that accepts and breaks the connection each time would be given the same events, and
			// the hub a new link, many times a second. One with which something was settled meanwhile is
			// given what it lost at once.
			if position.Sequence > before {
				delays.Reset()
			}
			_ = retry.Sleep(stop, delays.Next()) // the loop sees whether stop has ended
		}
	}
	return nil
}

// stretch reads and delivers over one lane until stop ends or the lane is lost. If nothing is
// wrong, a stop leaves everything settled.
func (p *Partition) runSession(stop, work context.Context, lane eventhub.Session, position eventhub.Position, displaced func(error) error) error {
	p.checkpoints.Pending.Start(lane)
	defer p.checkpoints.AdvanceConfirmed()
	open, end := context.WithCancel(stop)
	defer end()
	group, open := errgroup.WithContext(open)
	p.repeats.again()
	p.lease = &dedupe.Lease{}
	defer p.copies.End(p.lease, lane)
	defer p.share.releaseAll()
	events, gathered := make(chan eventhub.Event), make(chan []*hubEvent)
	group.Go(func() error { return displaced(p.receive(open, position, events)) })
	group.Go(func() error { p.gather(open, events, gathered); return nil })
	group.Go(func() error { p.deliver(open, work, lane, gathered); return nil })
	group.Go(func() error {
		select {
		case <-lane.Lost():
			end()
		case <-open.Done():
		}
		return nil
	})
	if err := group.Wait(); err != nil {
		return err
	}
	if stop.Err() != nil && work.Err() == nil {
		p.confirm(work, lane)
	}
	return nil
}

// settle waits until all that was accepted is settled, so that the next owner sends nothing again.
func (p *Partition) confirm(work context.Context, lane eventhub.Session) {
	if err := lane.Confirm(work); err != nil {
		p.log.WithError(err).Info("what the sink accepted last is not settled, it will come again")
	}
}

// sinkLost says that what the sink accepted behind position may be lost. It is read again.
func (p *Partition) sinkLost(why error, position eventhub.Position) {
	p.stats.SinkLost(p.id)
	p.log.WithError(why).WithFields(logrus.Fields{"after": position.Sequence, "hub_events": p.repeats.received - position.Sequence}).
		Warn("what the sink had accepted last may be lost, reading it again")
}
