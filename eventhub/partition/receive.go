package partition

import (
	"context"
	"errors"
	"sync"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/internal/retry"
)

// receive hands the events behind position on until ctx ends, opening the partition again
// whenever the hub's client gives up. It returns ErrDisplaced when another reader took it.
func (p *Partition) receive(ctx context.Context, position eventhub.Position, events chan<- eventhub.Event) error {
	return retry.Do(ctx, p.log, "receive", func() error {
		attempt, end := context.WithCancelCause(ctx)
		defer end(nil)
		p.stall.start(position.Sequence, end)
		err := p.hub.Receive(attempt, p.id, position, func(handing context.Context, event eventhub.Event) {
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
		if !errors.Is(err, eventhub.ErrDisplaced) && ctx.Err() == nil {
			p.stats.ReceiveFailed(p.id)
		}
		return err
	}, eventhub.ErrDisplaced, eventhub.ErrConflict)
}

// errStalled says that a link delivers nothing although the partition has more.
var errStalled = errors.New("the link delivers nothing although the hub has more events")

// stallWatch notices a link that has gone deaf: it stays open, reports no error, and delivers
// nothing. azure-event-hubs-go can hang so for good when a reconnect gets no answer, and a
// connection through a firewall that forgot it looks the same.
type stallDetector struct {
	mu sync.Mutex
	// reopen ends the Receive under way.
	reopen context.CancelCauseFunc
	// received is the newest event that the client has brought, pending whether it is still
	// waiting to be taken: then it is the sink that is slow, not the link that is deaf.
	received int64
	pending  bool
	// before is what received was, and last what the hub had, when it was last asked.
	before, last int64
}

// begin starts to watch a Receive from behind the event with that sequence number.
func (w *stallDetector) start(sequence int64, reopen context.CancelCauseFunc) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.reopen, w.received, w.pending = reopen, sequence, false
	// What the hub had before it was opened says nothing of this link.
	w.before, w.last = sequence, sequence
}

// arrived notes that the client brings an event, taken that it was handed on.
func (w *stallDetector) arrived(sequence int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.received, w.pending = sequence, true
}

func (w *stallDetector) taken() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pending = false
}

// check is told what the hub has now. If it had something to deliver the last time, and has
// delivered nothing since, the link is ended.
func (w *stallDetector) check(last int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.reopen != nil && !w.pending && w.received == w.before && w.last > w.received {
		w.reopen(errStalled)
	}
	w.before, w.last = w.received, last
}
