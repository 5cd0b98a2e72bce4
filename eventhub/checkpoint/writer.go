package checkpoint

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"github.com/sirupsen/logrus"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/forwarder/metrics"
)

// checkpointer writes one partition's checkpoint now and then, so that delivering never waits
// for it and the store is asked once an interval, not once an event.
type Writer struct {
	Store    eventhub.CheckpointStore
	Interval time.Duration
	Stats    *metrics.Statistics
	Log      logrus.FieldLogger
	// stored is the checkpoint as the store has it. It belongs to whoever writes: run, and after
	// it the caller of flush.
	Stored eventhub.Checkpoint
	// unsure are the writes since then that got no answer: one of them may have been made.
	unanswered []eventhub.Checkpoint
	// settling holds back what the sink might still lose.
	Pending pending
	// reached is how far the checkpoint may go.
	confirmed atomic.Pointer[eventhub.Checkpoint]
}

// advance notes that the event and all before it have their verdict, and nothing can be lost any
// more.
func (c *Writer) Advance(event eventhub.Event) {
	c.confirmed.Store(&eventhub.Checkpoint{Sequence: event.Sequence, Offset: event.Offset})
}

// advanceSettled does so for what was settled since the last time.
func (c *Writer) AdvanceConfirmed() {
	c.Pending.TakeConfirmed(func(position eventhub.Checkpoint) { c.confirmed.Store(&position) })
}

// position is the place behind what was reached, start where that is nothing.
func (c *Writer) Position(start eventhub.Position) eventhub.Position {
	if reached := c.confirmed.Load(); reached != nil {
		return eventhub.Position{Sequence: reached.Sequence, Offset: reached.Offset}
	}
	return start
}

// run writes what was reached every interval until ctx ends. It returns ErrLostRace if somebody
// else moved the checkpoint, who is then the partition's owner.
func (c *Writer) Run(ctx context.Context) error {
	// The end of ctx must not cut a write off: whether it was made would not be known, and if it
	// was, the last write would be refused as if another owner had moved the checkpoint.
	writing, cancel := linger(ctx)
	defer cancel()
	ticker := time.NewTicker(c.Interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			if err := c.Flush(writing); errors.Is(err, eventhub.ErrConflict) {
				return err
			}
		}
	}
}

// linger returns a context that ends closeTimeout after ctx, or when it is cancelled.
func linger(ctx context.Context) (context.Context, context.CancelFunc) {
	lingering, cancel := context.WithCancel(context.WithoutCancel(ctx))
	unregister := context.AfterFunc(ctx, func() {
		select {
		case <-time.After(eventhub.CloseTimeout):
			cancel()
		case <-lingering.Done():
		}
	})
	return lingering, func() {
		unregister()
		cancel()
	}
}

// flush writes what was reached, if anything was since the last time.
func (c *Writer) Flush(ctx context.Context) error {
	c.AdvanceConfirmed()
	reached := c.confirmed.Load()
	if reached == nil || reached.Sequence == c.Stored.Sequence && reached.Offset == c.Stored.Offset {
		return nil
	}
	next := c.Stored
	next.Sequence, next.Offset = reached.Sequence, reached.Offset
	written, err := c.Store.UpdateCheckpoint(ctx, next)
	if errors.Is(err, eventhub.ErrConflict) && len(c.unanswered) > 0 {
		written, err = c.overwriteOwn(ctx, next)
	}
	if err != nil {
		c.reportFailure(err)
		if !errors.Is(err, eventhub.ErrConflict) {
			c.rememberUnanswered(eventhub.Checkpoint{Partition: next.Partition, Sequence: next.Sequence, Offset: next.Offset})
		}
		return err
	}
	c.Stored, c.unanswered = written, nil
	c.Stats.CheckpointWritten(c.Stored.Partition)
	c.Log.WithField("sequence", written.Sequence).Debug("checkpoint written")
	return nil
}

// maxUnsure bounds what is remembered of an outage of the store, which may last for days.
const maxUnanswered = 200

// doubt remembers a write that got no answer. Where there were too many, those in the middle are
// forgotten: it is at the beginning and at the end of an outage that a write is made and only its
// answer lost. Were it one of these, the partition would be claimed anew, and some of it come again.
func (c *Writer) rememberUnanswered(write eventhub.Checkpoint) {
	if slices.Contains(c.unanswered, write) {
		return
	}
	if len(c.unanswered) == maxUnanswered {
		c.unanswered = slices.Delete(c.unanswered, maxUnanswered/2, maxUnanswered/2+1)
	}
	c.unanswered = append(c.unanswered, write)
}

// updateOwn writes over a checkpoint of our own whose answer was lost. It fails with ErrLostRace
// if what stands in the store is somebody else's.
func (c *Writer) overwriteOwn(ctx context.Context, next eventhub.Checkpoint) (eventhub.Checkpoint, error) {
	listed, err := c.Store.ListCheckpoints(ctx)
	if err != nil {
		return eventhub.Checkpoint{}, err
	}
	for _, found := range listed {
		version := found.Version
		found.Version = ""
		if slices.Contains(c.unanswered, found) {
			next.Version = version
			return c.Store.UpdateCheckpoint(ctx, next)
		}
	}
	return eventhub.Checkpoint{}, eventhub.ErrConflict
}

// report logs the first of a row of failures; the counter has the others.
func (c *Writer) reportFailure(err error) {
	c.Stats.CheckpointFailed(c.Stored.Partition)
	if len(c.unanswered) == 0 && !errors.Is(err, eventhub.ErrConflict) {
		c.Log.WithError(err).Warn("checkpoint not written; trying again, events go on being delivered")
	}
}
