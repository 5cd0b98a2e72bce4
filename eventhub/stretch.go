package eventhub

import (
	"context"

	"github.com/sirupsen/logrus"
	"golang.org/x/sync/errgroup"
)

// flow reads and delivers from behind position until stop ends, one stretch after the other: when
// the sink is lost with what it had accepted, that is read again. What it might lose is not kept
// here but in the hub, where it stands anyway: so it takes no memory, and what follows a loss is
// what follows a crash.
func (p *partition) flow(stop, work context.Context, position Position, displaced func(error) error) error {
	var pause backoff
	for stop.Err() == nil {
		lane := p.sink.Lane()
		err := p.stretch(stop, work, lane, position, displaced)
		lane.Close()
		if err != nil {
			return err
		}
		before := position.Sequence
		position = p.checkpoints.position(position)
		if lost := lane.Err(); lost != nil {
			p.sinkLost(lost, position)
			// A sink that accepts and breaks the connection each time would be given the same events, and
			// the hub a new link, many times a second. One with which something was settled meanwhile is
			// given what it lost at once.
			if position.Sequence > before {
				pause.next = 0
			}
			pause.wait(stop)
		}
	}
	return nil
}

// stretch reads and delivers over one lane until stop ends or the lane is lost. If nothing is
// wrong, a stop leaves everything settled.
func (p *partition) stretch(stop, work context.Context, lane Lane, position Position, displaced func(error) error) error {
	p.checkpoints.settling.begin(lane)
	defer p.checkpoints.advanceSettled()
	open, end := context.WithCancel(stop)
	defer end()
	group, open := errgroup.WithContext(open)
	p.repeats.again()
	p.lease = &lease{}
	defer p.copies.end(p.lease, lane)
	defer p.share.close()
	events, gathered := make(chan Event), make(chan []*hubEvent)
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
		p.settle(work, lane)
	}
	return nil
}

// settle waits until all that was accepted is settled, so that the next owner sends nothing again.
func (p *partition) settle(work context.Context, lane Lane) {
	if err := lane.Settle(work); err != nil {
		p.log.WithError(err).Info("what the sink accepted last is not settled, it will come again")
	}
}

// sinkLost says that what the sink accepted behind position may be lost. It is read again.
func (p *partition) sinkLost(why error, position Position) {
	p.stats.SinkLost(p.id)
	p.log.WithError(why).WithFields(logrus.Fields{"after": position.Sequence, "hub_events": p.repeats.received - position.Sequence}).
		Warn("what the sink had accepted last may be lost, reading it again")
}
