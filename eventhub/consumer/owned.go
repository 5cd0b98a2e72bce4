package consumer

import (
	"context"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/eventhub/partition"
)

// ownedPartition is a partition that this replica owns and runs.
type ownedPartition struct {
	partition string
	ownership eventhub.Ownership
	// drain lets it finish its current hub event and end. abandon ends it at once.
	drain   context.CancelFunc
	abandon context.CancelCauseFunc
	// err is set if it ended because another replica owns it: then it must not be relinquished.
	err error
}

// startWon starts the won partitions that do not run yet. The others get their renewed ownership.
func (c *Consumer) startWon(ctx, roundCtx context.Context, won []eventhub.Ownership) error {
	var added []eventhub.Ownership
	for _, ownership := range won {
		if owned := c.owned[ownership.Partition]; owned != nil {
			owned.ownership = ownership
		} else {
			added = append(added, ownership)
		}
	}
	if len(added) == 0 {
		return nil
	}
	checkpoints, err := c.store.ListCheckpoints(roundCtx)
	if err != nil {
		return err
	}
	stored := map[string]*eventhub.Checkpoint{}
	for _, checkpoint := range checkpoints {
		stored[checkpoint.Partition] = &checkpoint
	}
	for _, ownership := range added {
		later, err := c.addedLater(roundCtx, ownership.Partition, stored)
		if err != nil {
			return err
		}
		c.start(ctx, ownership, stored[ownership.Partition], later)
	}
	return nil
}

// start runs a partition until it is drained, abandoned or displaced. Its end arrives in c.ended. The end of ctx does
// not end it: shutDown does. later says that the partition has no checkpoint because it was added to the hub later.
func (c *Consumer) start(ctx context.Context, ownership eventhub.Ownership, stored *eventhub.Checkpoint, later bool) {
	ctx, abandon := context.WithCancelCause(context.WithoutCancel(ctx))
	drain, startDrain := context.WithCancel(ctx)
	owned := &ownedPartition{partition: ownership.Partition, ownership: ownership, drain: startDrain, abandon: abandon}
	c.owned[ownership.Partition] = owned
	c.stats.Partition(ownership.Partition).Owned()
	c.health.Claimed(ownership.Partition)
	c.log.WithField("partition", ownership.Partition).Info("partition owned")
	running := partition.New(ownership.Partition, c.shared)
	if later {
		running.StartAtOldest()
	}
	go func() {
		owned.err = running.Run(ctx, drain, stored)
		startDrain()
		abandon(nil)
		c.ended <- owned
	}()
}

// release forgets a partition that has ended, and relinquishes it unless it has another owner.
func (c *Consumer) release(ctx context.Context, ended *ownedPartition) {
	delete(c.owned, ended.partition)
	c.stats.Partition(ended.partition).Released()
	c.health.Released(ended.partition)
	log := c.log.WithField("partition", ended.partition)
	if ended.err != nil {
		log.WithField("reason", ended.err).Info("partition lost to another reader")
		return
	}
	ctx, cancel := context.WithTimeout(ctx, partition.StoreTimeout(c.cfg.ShutdownTimeout))
	defer cancel()
	if err := c.relinquish(ctx, ended.ownership); err != nil {
		log.WithError(err).Warn("partition not given up: no other replica reads it until its ownership expires")
		return
	}
	log.Info("partition given up")
}
