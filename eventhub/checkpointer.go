package eventhub

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"github.com/sirupsen/logrus"

	"aks-audit-log-go/forwarder"
)

// checkpointer writes one partition's checkpoint now and then, so that delivering never waits
// for it and the store is asked once an interval, not once an event.
type checkpointer struct {
	store    CheckpointStore
	interval time.Duration
	stats    *forwarder.Statistics
	log      logrus.FieldLogger
	// stored is the checkpoint as the store has it. It belongs to whoever writes: run, and after
	// it the caller of flush.
	stored Checkpoint
	// unsure are the writes since then that got no answer: one of them may have been made.
	unsure []Checkpoint
	// settling holds back what the sink might still lose.
	settling settling
	// reached is how far the checkpoint may go.
	reached atomic.Pointer[Checkpoint]
}

// advance notes that the event and all before it have their verdict, and nothing can be lost any
// more.
func (c *checkpointer) advance(event Event) {
	c.reached.Store(&Checkpoint{Sequence: event.Sequence, Offset: event.Offset})
}

// advanceSettled does so for what was settled since the last time.
func (c *checkpointer) advanceSettled() {
	c.settling.settle(func(position Checkpoint) { c.reached.Store(&position) })
}

// position is the place behind what was reached, start where that is nothing.
func (c *checkpointer) position(start Position) Position {
	if reached := c.reached.Load(); reached != nil {
		return Position{Sequence: reached.Sequence, Offset: reached.Offset}
	}
	return start
}

// run writes what was reached every interval until ctx ends. It returns ErrLostRace if somebody
// else moved the checkpoint, who is then the partition's owner.
func (c *checkpointer) run(ctx context.Context) error {
	// The end of ctx must not cut a write off: whether it was made would not be known, and if it
	// was, the last write would be refused as if another owner had moved the checkpoint.
	writing, cancel := linger(ctx)
	defer cancel()
	ticker := time.NewTicker(c.interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			if err := c.flush(writing); errors.Is(err, ErrLostRace) {
				return err
			}
		}
	}
}

// linger returns a context that ends farewellTimeout after ctx, or when it is cancelled.
func linger(ctx context.Context) (context.Context, context.CancelFunc) {
	lingering, cancel := context.WithCancel(context.WithoutCancel(ctx))
	unregister := context.AfterFunc(ctx, func() {
		select {
		case <-time.After(farewellTimeout):
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
func (c *checkpointer) flush(ctx context.Context) error {
	c.advanceSettled()
	reached := c.reached.Load()
	if reached == nil || reached.Sequence == c.stored.Sequence && reached.Offset == c.stored.Offset {
		return nil
	}
	next := c.stored
	next.Sequence, next.Offset = reached.Sequence, reached.Offset
	written, err := c.store.UpdateCheckpoint(ctx, next)
	if errors.Is(err, ErrLostRace) && len(c.unsure) > 0 {
		written, err = c.updateOwn(ctx, next)
	}
	if err != nil {
		c.report(err)
		if !errors.Is(err, ErrLostRace) {
			c.doubt(Checkpoint{Partition: next.Partition, Sequence: next.Sequence, Offset: next.Offset})
		}
		return err
	}
	c.stored, c.unsure = written, nil
	c.stats.CheckpointWritten(c.stored.Partition)
	c.log.WithField("sequence", written.Sequence).Debug("checkpoint written")
	return nil
}

// maxUnsure bounds what is remembered of an outage of the store, which may last for days.
const maxUnsure = 200

// doubt remembers a write that got no answer. Where there were too many, those in the middle are
// forgotten: it is at the beginning and at the end of an outage that a write is made and only its
// answer lost. Were it one of these, the partition would be claimed anew, and some of it come again.
func (c *checkpointer) doubt(write Checkpoint) {
	if slices.Contains(c.unsure, write) {
		return
	}
	if len(c.unsure) == maxUnsure {
		c.unsure = slices.Delete(c.unsure, maxUnsure/2, maxUnsure/2+1)
	}
	c.unsure = append(c.unsure, write)
}

// updateOwn writes over a checkpoint of our own whose answer was lost. It fails with ErrLostRace
// if what stands in the store is somebody else's.
func (c *checkpointer) updateOwn(ctx context.Context, next Checkpoint) (Checkpoint, error) {
	listed, err := c.store.ListCheckpoints(ctx)
	if err != nil {
		return Checkpoint{}, err
	}
	for _, found := range listed {
		version := found.version
		found.version = ""
		if slices.Contains(c.unsure, found) {
			next.version = version
			return c.store.UpdateCheckpoint(ctx, next)
		}
	}
	return Checkpoint{}, ErrLostRace
}

// report logs the first of a row of failures; the counter has the others.
func (c *checkpointer) report(err error) {
	c.stats.CheckpointFailed(c.stored.Partition)
	if len(c.unsure) == 0 && !errors.Is(err, ErrLostRace) {
		c.log.WithError(err).Warn("checkpoint not written; trying again, events go on being delivered")
	}
}
