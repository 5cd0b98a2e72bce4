package consumer

import (
	"context"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/eventhub/partition"
)

// holding is a partition that this process owns.
type ownedPartition struct {
	partition string
	ownership eventhub.Ownership
	// stop asks it to end in good order, abandon at once.
	stop    context.CancelFunc
	abandon context.CancelCauseFunc
	// err is set when it has ended: why it may not be given up any more.
	err error
}

// begin starts the partitions that were won and do not run yet.
func (c *Consumer) startWon(ctx, roundCtx context.Context, won []eventhub.Ownership) error {
	var fresh []eventhub.Ownership
	for _, ownership := range won {
		if holding := c.owned[ownership.Partition]; holding != nil {
			holding.ownership = ownership
		} else {
			fresh = append(fresh, ownership)
		}
	}
	if len(fresh) == 0 {
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
	for _, ownership := range fresh {
		c.start(ctx, ownership, stored[ownership.Partition])
	}
	return nil
}

// hold runs a partition until it is stopped, abandoned or displaced; its end arrives in c.ended.
func (c *Consumer) start(ctx context.Context, ownership eventhub.Ownership, stored *eventhub.Checkpoint) {
	work, abandon := context.WithCancelCause(context.WithoutCancel(ctx))
	stop, cancel := context.WithCancel(work)
	holding := &ownedPartition{partition: ownership.Partition, ownership: ownership, stop: cancel, abandon: abandon}
	c.owned[ownership.Partition] = holding
	c.stats.PartitionOwned(ownership.Partition)
	c.log.WithField("partition", ownership.Partition).Info("partition owned")
	partition := partition.New(ownership.Partition, c.shared)
	go func() {
		holding.err = partition.Run(stop, work, stored)
		cancel()
		abandon(nil)
		c.ended <- holding
	}()
}

// release forgets a partition that has ended and gives it up, unless it has another owner.
func (c *Consumer) release(ctx context.Context, ended *ownedPartition) {
	delete(c.owned, ended.partition)
	c.stats.PartitionReleased(ended.partition)
	c.health.Released(ended.partition)
	log := c.log.WithField("partition", ended.partition)
	if ended.err != nil {
		log.WithField("reason", ended.err).Info("partition lost to another reader")
		return
	}
	ctx, cancel := context.WithTimeout(ctx, eventhub.CloseTimeout)
	defer cancel()
	if err := c.relinquish(ctx, ended.ownership); err != nil {
		log.WithError(err).Warn("partition not given up, it stays taken until its ownership expires")
		return
	}
	log.Info("partition given up")
}
