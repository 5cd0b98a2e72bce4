package consumer

import (
	"context"
	"time"

	"aks-audit-log-go/eventhub/partition"
)

// askInterval is how often the hub is asked for its partitions, or a quarter of WATCHDOGTIMEOUT if that is less.
const askInterval = 30 * time.Second

// startAsking runs keepAsking until ctx ends. The returned function waits for the end.
func (c *Consumer) startAsking(ctx context.Context) (wait func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.keepAsking(ctx)
	}()
	return func() { <-done }
}

// keepAsking asks the hub for its partitions every interval. The next round uses the answer. The watchdog judges
// whether one came, because a replica without partitions sends no other request. keepAsking logs when the watchdog's
// verdict changes.
func (c *Consumer) keepAsking(ctx context.Context) {
	ticker := time.NewTicker(partition.WatchInterval(c.cfg, askInterval))
	defer ticker.Stop()
	alive := true
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			alive = c.noteLiveness(alive)
			_ = c.askHub(ctx) // observedHub notes whether it answers
			alive = c.noteLiveness(alive)
		}
	}
}

// noteLiveness logs a change, and returns whether the consumer is alive now.
func (c *Consumer) noteLiveness(before bool) (alive bool) {
	alive, reason := c.health.Alive()
	switch {
	case before && !alive:
		c.log.WithField("reason", reason).Error("consumer makes no progress: /healthz answers 503, so that a liveness probe restarts it")
	case !before && alive:
		c.log.Info("consumer makes progress again")
	}
	return alive
}
