package beside

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sirupsen/logrus"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/eventhub/advice"
	"aks-audit-log-go/eventhub/hubclient"
	"aks-audit-log-go/eventhub/unpack"
	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/internal/retry"
)

// lookInterval is how often the hub is asked whether hub events before the end still exist. Retention may have removed
// them, and then the last one never comes.
const lookInterval = 30 * time.Second

var (
	// errThrough says that the partition is read up to its end.
	errThrough = errors.New("the partition is read up to its end")
	// errHandle matches every error that Handle returned.
	errHandle = errors.New("not handled")
	// errNotOpened says that the partition was never opened.
	errNotOpened = errors.New("the partition was not opened")
)

// handleError is an error that Handle returned.
type handleError struct{ error }

// Unwrap returns the error of Handle.
func (e handleError) Unwrap() error { return e.error }

// Is reports whether target is errHandle.
func (handleError) Is(target error) bool { return target == errHandle }

// partition reads one partition up to its end, if it has one.
type partition struct {
	id       string
	hub      eventhub.Hub
	cfg      forwarder.Config
	options  Options
	handle   Handle
	unpacker *unpack.Unpacker
	log      logrus.FieldLogger

	// mu guards position and end.
	mu sync.Mutex
	// position is where reading starts, or the position after the last hub event that was handled.
	position eventhub.Position
	// end is the position after the last wanted hub event, or nil if it is not known yet.
	end *eventhub.Position
}

// read reads the partition up to its end, or until ctx ends.
func (p *partition) read(ctx context.Context) error {
	info, err := p.hub.PartitionInfo(ctx, p.id)
	if err != nil {
		return advice.Hub(p.cfg, err)
	}
	if p.options.Found != nil {
		p.options.Found(p.id, info)
	}
	p.position = p.start(info)
	if p.options.ToNewest || !p.options.To.IsZero() && !p.options.To.After(time.Now()) {
		p.setEnd(info)
		if p.through(info) {
			return nil
		}
	}
	reading, stop := context.WithCancelCause(ctx)
	var watching sync.WaitGroup
	if p.options.bounded() {
		watching.Go(func() { p.watch(reading, stop) })
	}
	err = p.receive(reading, stop)
	cause := context.Cause(reading)
	stop(nil)
	watching.Wait()
	switch {
	case errors.Is(cause, errHandle):
		return cause
	case errors.Is(cause, errThrough):
		return nil
	}
	return err
}

// start returns where reading starts in a partition that holds info.
func (p *partition) start(info eventhub.PartitionInfo) eventhub.Position {
	if after, known := p.options.After[p.id]; known {
		return after
	}
	if p.options.From.IsZero() {
		return info.Newest()
	}
	from := eventhub.Beginning()
	from.Since = p.options.From.Add(-time.Millisecond)
	return from
}

// setEnd makes the newest hub event of the partition the last one that is wanted.
func (p *partition) setEnd(info eventhub.PartitionInfo) {
	p.mu.Lock()
	defer p.mu.Unlock()
	end := info.Newest()
	p.end = &end
}

// through reports whether no wanted hub event is left in a partition that holds info.
func (p *partition) through(info eventhub.PartitionInfo) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	newest := info.Newest()
	return p.end != nil && (p.position.Passed(*p.end) || // all were handled
		info.First > min(p.end.Sequence, newest.Sequence) || // retention has removed the rest
		newest.Enqueued.Before(p.options.From)) // none was enqueued since From
}

// watch ends reading when no hub event before the end is left. At the time To it asks the hub where the end is.
func (p *partition) watch(ctx context.Context, stop context.CancelCauseFunc) {
	wait := lookInterval
	if until := time.Until(p.options.To); !p.options.ToNewest && until > 0 {
		wait = until
	}
	for retry.Sleep(ctx, wait) == nil {
		wait = lookInterval
		info, err := p.hub.PartitionInfo(ctx, p.id)
		if err != nil {
			continue // receive reports the hub's failures
		}
		if p.end == nil {
			p.setEnd(info)
		}
		if p.through(info) {
			stop(errThrough)
		}
	}
}

// receive reads hub events until ctx ends, and retries after failures. It gives up if the first attempt cannot open
// the partition.
func (p *partition) receive(ctx context.Context, stop context.CancelCauseFunc) error {
	var opened atomic.Bool
	var refusal error
	receiver := eventhub.Receiver{
		Attached: func() { opened.Store(true) },
		Handle: func(ctx context.Context, event eventhub.Event) {
			if err := p.take(ctx, event); err != nil {
				stop(err)
			}
		},
	}
	err := retry.Do(ctx, p.log, "receive", func() error {
		p.mu.Lock()
		from := p.position
		p.mu.Unlock()
		err := p.hub.Receive(ctx, p.id, from, receiver)
		if err != nil && !opened.Load() {
			refusal = err
			return errNotOpened
		}
		return err
	}, errNotOpened, hubclient.ErrPartitionInUse)
	switch {
	case errors.Is(err, hubclient.ErrPartitionInUse), errors.Is(refusal, hubclient.ErrPartitionInUse):
		return fmt.Errorf("partition %s: %w", p.id, hubclient.ErrPartitionInUse)
	case errors.Is(err, errNotOpened):
		return advice.Group(p.cfg, refusal)
	}
	return err
}

// take gives a wanted hub event to Handle. It returns errThrough after the last wanted one.
func (p *partition) take(ctx context.Context, event eventhub.Event) error {
	if ctx.Err() != nil { // the client may not have noticed yet
		return nil //nolint:nilerr // the hub event counts as not handled
	}
	behind := eventhub.After(event)
	if !p.options.To.IsZero() && !behind.Enqueued.Before(p.options.To) || p.beyondEnd(behind) {
		return errThrough
	}
	records, detail, release, err := p.unpacker.Unpack(ctx, event)
	if err != nil {
		return nil //nolint:nilerr // ctx has ended
	}
	err = p.handle(ctx, HubEvent{Partition: p.id, Event: event, Records: records, Detail: detail})
	if release != nil {
		release()
	}
	if err != nil {
		return handleError{err}
	}
	if ctx.Err() == nil && p.advance(event) {
		return errThrough
	}
	return nil
}

// beyondEnd reports whether a position is past the end.
func (p *partition) beyondEnd(position eventhub.Position) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.end != nil && !p.end.Passed(position)
}

// advance moves the position past a hub event, and reports whether it was the last one that is wanted.
func (p *partition) advance(event eventhub.Event) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.position = p.position.Next(event)
	return p.end != nil && p.position.Passed(*p.end)
}
