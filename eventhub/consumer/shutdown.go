package consumer

import (
	"context"
	"errors"
	"time"

	"aks-audit-log-go/eventhub/partition"
)

// shutDown ends every partition. Current work may take as long as SHUTDOWNTIMEOUT allows, less the time to write
// checkpoints, relinquish, and close.
func (c *Consumer) shutDown(ctx context.Context) {
	last := partition.StoreTimeout(c.cfg.ShutdownTimeout)
	limit := max(c.cfg.ShutdownTimeout-last, 3*c.cfg.ShutdownTimeout/4)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	for _, owned := range c.owned {
		owned.drain()
	}
	exhausted := time.After(workTimeout(c.cfg.ShutdownTimeout))
	for len(c.owned) > 0 {
		select {
		case ended := <-c.ended:
			c.release(ctx, ended)
		case <-exhausted:
			c.log.WithField("partitions", len(c.owned)).Warn("stop takes too long: giving up the POSTs in flight; their audit events will be sent again")
			for _, owned := range c.owned {
				owned.abandon(errShutdown)
			}
		}
	}
	c.log.Info("consumer stopped")
}

var errShutdown = errors.New("SHUTDOWNTIMEOUT was used up")

// workTimeout returns the part of SHUTDOWNTIMEOUT for current work: all but the time to close the link, write the
// checkpoint, relinquish, and close the hub's client after Run, or half of it.
func workTimeout(shutdown time.Duration) time.Duration {
	return max(shutdown-4*partition.StoreTimeout(shutdown), shutdown/2)
}
