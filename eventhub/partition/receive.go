package partition

import (
	"context"
	"errors"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/internal/retry"
)

// receive passes on the hub events after position until ctx ends. It reopens the partition whenever the hub's client
// gives up. It returns ErrDisplaced when another reader took the partition.
func (p *Partition) receive(ctx context.Context, position eventhub.Position, events chan<- eventhub.Event) error {
	return retry.Do(ctx, p.log, "receive", func() error {
		link, end := context.WithCancelCause(ctx)
		defer end(nil)
		p.stall.start(position, end)
		err := p.shared.hub.Receive(link, p.id, position, eventhub.Receiver{Handle: func(taking context.Context, event eventhub.Event) {
			if link.Err() != nil { // the event before may have been left, and a client may not know yet
				return
			}
			next := position.Next(event)
			p.stall.arrived(next)
			select {
			case events <- event:
				position = next
				p.stall.taken()
			case <-taking.Done():
			case <-link.Done():
			}
		}})
		if err == nil {
			err = context.Cause(link) // it stalled, or ctx has ended
		}
		if !errors.Is(err, eventhub.ErrDisplaced) && ctx.Err() == nil {
			p.stats.ReceiveFailed()
			p.shared.health.ReceiveFailed(p.id, err.Error())
		}
		return err
	}, eventhub.ErrDisplaced, eventhub.ErrConflict)
}
