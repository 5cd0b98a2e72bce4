package consumer

import (
	"context"
	"time"

	"aks-audit-log-go/eventhub/partition"
)

// watchdogInterval is how often the hub is asked for the watchdog's sake, or a quarter of WATCHDOGTIMEOUT if that is less.
const watchdogInterval = 30 * time.Second

// startWatchdog runs the watchdog until ctx ends. The function that it returns waits for the end.
func (c *Consumer) startWatchdog(ctx context.Context) (wait func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		if c.cfg.WatchdogTimeout > 0 {
			c.runWatchdog(ctx)
		}
	}()
	return func() { <-done }
}

// runWatchdog sends the hub a request every interval, because a replica that owns no partition sends none by itself. It
// logs when the watchdog's verdict changes.
func (c *Consumer) runWatchdog(ctx context.Context) {
	ticker := time.NewTicker(partition.WatchInterval(c.cfg, watchdogInterval))
	defer ticker.Stop()
	alive := true
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			alive = c.noteLiveness(alive)
			_, _ = c.hub.PartitionIDs(ctx) // observedHub notes whether it answers
			alive = c.noteLiveness(alive)
		}
	}
}

// noteLiveness logs a change, and returns whether the consumer is alive now.
func (c *Consumer) noteLiveness(before bool) (alive bool) {
	alive, reason := c.health.Alive()
	switch {
	case before && !alive:
		c.log.WithField("reason", reason).Error("consumer does not get on, /healthz asks for a restart")
	case !before && alive:
		c.log.Info("consumer gets on again")
	}
	return alive
}
