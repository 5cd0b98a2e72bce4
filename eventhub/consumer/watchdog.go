package consumer

import (
	"context"
	"sync"
	"time"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/eventhub/azauth"
	"aks-audit-log-go/eventhub/partition"
	"aks-audit-log-go/forwarder/health"
)

// watchEvery is how often the watchdog is looked after, or a quarter of WATCHDOGTIMEOUT where
// that is less.
const watchdogInterval = 30 * time.Second

// acceptedAfter is how long a partition has to be received from until it is taken that the hub
// accepts this reader, where no event says so before. A refusal comes at once.
const acceptedAfter = 30 * time.Second

// heardHub tells the watchdog when the hub has answered a question. An error is no answer: also
// of a key that the hub no longer accepts a new process may know more than this one. And it tells
// health whether the hub accepts the key or the identity.
type observedHub struct {
	eventhub.Hub
	health *health.Health
}

func (h observedHub) PartitionIDs(ctx context.Context) ([]string, error) {
	ids, err := h.Hub.PartitionIDs(ctx)
	h.observe(err)
	return ids, err
}

func (h observedHub) PartitionInfo(ctx context.Context, partition string) (eventhub.PartitionInfo, error) {
	info, err := h.Hub.PartitionInfo(ctx, partition)
	h.observe(err)
	return info, err
}

// heard takes note of the answer to a question.
func (h observedHub) observe(err error) {
	switch {
	case err == nil:
		h.health.HubAnswered()
		h.health.HubAccepts("")
	case azauth.RefusedBy(err) == azauth.HubPart:
		h.health.HubRefuses("", err.Error())
	}
}

func (h observedHub) Receive(ctx context.Context, partition string, from eventhub.Position, handle eventhub.Handler) error {
	var once sync.Once
	accept := func() { once.Do(func() { h.health.HubAccepts(partition) }) }
	late := time.AfterFunc(acceptedAfter, accept)
	err := h.Hub.Receive(ctx, partition, from, func(ctx context.Context, event eventhub.Event) {
		accept()
		handle(ctx, event)
	})
	late.Stop()
	if azauth.RefusedBy(err) == azauth.HubPart {
		h.health.HubRefuses(partition, err.Error())
	}
	return err
}

// watch looks after the watchdog until ctx ends; the function that it returns waits for the end.
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

// lookAfterWatchdog asks the hub a question now and then, since a reader that owns no partition
// has none of its own, and says in the log when the watchdog's judgement changes.
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
			_, _ = c.hub.PartitionIDs(ctx) // what matters is whether it answers, which heardHub tells
			alive = c.noteLiveness(alive)
		}
	}
}

// noteLiveness logs a change and returns what holds now.
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
