package partition

import (
	"context"

	"github.com/sirupsen/logrus"
	"golang.org/x/sync/errgroup"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/internal/retry"
)

// runSessions forwards the hub events after position until drain ends, one session after the other. After a lost
// session, the hub events that the sink had not confirmed are read from the hub again. They are not kept, so a loss
// costs no memory and takes the same steps as a crash.
func (p *Partition) runSessions(ctx, drain context.Context, position eventhub.Position, displaced func(error) error) error {
	delays := retry.Backoff{Min: retry.MinDelay, Max: retry.MaxDelay, FirstAtOnce: true}
	for drain.Err() == nil {
		session := p.shared.sink.OpenSession()
		err := p.runSession(ctx, drain, session, position, displaced)
		session.Close()
		if err != nil {
			return err
		}
		before := position
		position = p.checkpoints.Position(position)
		if lost := session.Err(); lost != nil {
			p.sinkLost(lost, position)
			// A sink that accepts and then breaks each connection would otherwise get the same events, and the hub a
			// new link, many times a second. If the sink has confirmed something since, the events are sent at once.
			if position != before {
				delays.Reset()
			}
			_ = retry.Sleep(drain, delays.Next()) // the loop sees whether drain has ended
		}
	}
	return nil
}

// runSession forwards over one session until drain ends or the session is lost. If drain ends without a fault,
// everything is confirmed when it returns.
func (p *Partition) runSession(ctx, drain context.Context, session eventhub.Session, position eventhub.Position,
	displaced func(error) error,
) error {
	p.checkpoints.StartSession(session)
	defer p.checkpoints.AdvanceConfirmed()
	open, end := context.WithCancel(drain)
	defer end()
	group, open := errgroup.WithContext(open)
	defer p.share.releaseAll()
	events, gathered := make(chan eventhub.Event), make(chan []*hubEvent)
	group.Go(func() error { return displaced(p.receive(open, position, events)) })
	group.Go(func() error { p.gather(open, events, gathered); return nil })
	group.Go(func() error { p.deliver(ctx, open, session, gathered); return nil })
	group.Go(func() error {
		select {
		case <-session.Lost():
			end()
		case <-open.Done():
		}
		return nil
	})
	if err := group.Wait(); err != nil {
		return err
	}
	if drain.Err() != nil && ctx.Err() == nil {
		p.confirm(ctx, session)
	}
	return nil
}

// confirm waits until the sink has confirmed all that it accepted, so that the next owner sends nothing again.
func (p *Partition) confirm(ctx context.Context, session eventhub.Session) {
	if err := session.Confirm(ctx); err != nil {
		p.log.WithError(err).Info("stopped before the sink confirmed the last audit events: they will be sent again")
	}
}

// sinkLost reports that the sink may have lost what it accepted after position, which is read again.
func (p *Partition) sinkLost(why error, position eventhub.Position) {
	p.stats.SinkLost()
	p.log.WithError(why).WithFields(logrus.Fields{"after": position.Sequence, "hub_events": max(0, p.received.Sequence-position.Sequence)}).
		Warn("connection to the sink lost: audit events that it had accepted since the checkpoint may be gone, sending their hub events again")
}
