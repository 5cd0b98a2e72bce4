package eventhub

import (
	"context"
	"errors"
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
	stored  Checkpoint
	failing bool
	// reached is how far the partition has got.
	reached atomic.Pointer[Checkpoint]
}

// advance notes that the event and all before it have their verdict.
func (c *checkpointer) advance(event Event) {
	c.reached.Store(&Checkpoint{Sequence: event.Sequence, Offset: event.Offset})
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
	reached := c.reached.Load()
	if reached == nil || reached.Sequence == c.stored.Sequence && reached.Offset == c.stored.Offset {
		return nil
	}
	next := c.stored
	next.Sequence, next.Offset = reached.Sequence, reached.Offset
	written, err := c.store.UpdateCheckpoint(ctx, next)
	if err != nil {
		c.report(err)
		return err
	}
	c.stored, c.failing = written, false
	c.stats.CheckpointWritten(c.stored.Partition)
	c.log.WithField("sequence", written.Sequence).Debug("checkpoint written")
	return nil
}

// report logs the first of a row of failures; the counter has the others.
func (c *checkpointer) report(err error) {
	c.stats.CheckpointFailed(c.stored.Partition)
	if !c.failing {
		c.log.WithError(err).Warn("checkpoint not written; trying again, events go on being delivered")
	}
	c.failing = true
}
