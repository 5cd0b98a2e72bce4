package consumer

import (
	"context"
	"errors"
	"time"

	"aks-audit-log-go/eventhub"
)

// shutDown ends every partition. What is in hand may take as long as leaves room for the last
// words within SHUTDOWNTIMEOUT.
func (c *Consumer) shutDown(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), max(c.cfg.ShutdownTimeout-eventhub.CloseTimeout, 3*c.cfg.ShutdownTimeout/4))
	defer cancel()
	for _, holding := range c.owned {
		holding.stop()
	}
	patience := time.After(workTimeout(c.cfg.ShutdownTimeout))
	for len(c.owned) > 0 {
		select {
		case ended := <-c.ended:
			c.release(ctx, ended)
		case <-patience:
			c.log.WithField("partitions", len(c.owned)).Warn("stopping takes too long, what is in hand is left and will come again")
			for _, holding := range c.owned {
				holding.abandon(errShutdown)
			}
		}
	}
	c.log.Info("consumer stopped")
}

var errShutdown = errors.New("the time to shut down was used up")

// workTimeout is the part of SHUTDOWNTIMEOUT in which work in hand may be finished: all but
// what four farewells (the link, the checkpoint, the ownership, and the hub's client, which comes
// when Run has returned) may need, or half of it.
func workTimeout(shutdown time.Duration) time.Duration {
	return max(shutdown-4*eventhub.CloseTimeout, shutdown/2)
}
