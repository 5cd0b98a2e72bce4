package eventhub

import (
	"context"
	"sync"
	"time"

	"aks-audit-log-go/forwarder"
)

// watchEvery is how often the watchdog is looked after, or a quarter of WATCHDOGTIMEOUT where
// that is less.
const watchEvery = 30 * time.Second

// watchInterval shortens an interval so that within WATCHDOGTIMEOUT it comes round often enough
// to notice what the watchdog will judge, and to have tried to mend it.
func watchInterval(cfg forwarder.Config, interval time.Duration) time.Duration {
	if cfg.WatchdogTimeout > 0 {
		return min(interval, cfg.WatchdogTimeout/4)
	}
	return interval
}

// questionTimeout is how long the answer to a question is waited for; then it is asked over a
// connection of its own, which the watchdog has to leave time for.
func questionTimeout(cfg forwarder.Config) time.Duration {
	if cfg.WatchdogTimeout > 0 {
		return min(requestTimeout, cfg.WatchdogTimeout/2)
	}
	return requestTimeout
}

// acceptedAfter is how long a partition has to be received from until it is taken that the hub
// accepts this reader, where no event says so before. A refusal comes at once.
const acceptedAfter = 30 * time.Second

// heardHub tells the watchdog when the hub has answered a question. An error is no answer: also
// of a key that the hub no longer accepts a new process may know more than this one. And it tells
// health whether the hub accepts the key or the identity.
type heardHub struct {
	Hub
	health *forwarder.Health
}

func (h heardHub) PartitionIDs(ctx context.Context) ([]string, error) {
	ids, err := h.Hub.PartitionIDs(ctx)
	h.heard(err)
	return ids, err
}

func (h heardHub) PartitionInfo(ctx context.Context, partition string) (PartitionInfo, error) {
	info, err := h.Hub.PartitionInfo(ctx, partition)
	h.heard(err)
	return info, err
}

// heard takes note of the answer to a question.
func (h heardHub) heard(err error) {
	switch {
	case err == nil:
		h.health.HubAnswered()
		h.health.HubAccepts("")
	case refusedBy(err) == hubPart:
		h.health.HubRefuses("", err.Error())
	}
}

func (h heardHub) Receive(ctx context.Context, partition string, from Position, handle Handler) error {
	var once sync.Once
	accept := func() { once.Do(func() { h.health.HubAccepts(partition) }) }
	late := time.AfterFunc(acceptedAfter, accept)
	err := h.Hub.Receive(ctx, partition, from, func(ctx context.Context, event Event) {
		accept()
		handle(ctx, event)
	})
	late.Stop()
	if refusedBy(err) == hubPart {
		h.health.HubRefuses(partition, err.Error())
	}
	return err
}

// watch looks after the watchdog until ctx ends; the function that it returns waits for the end.
func (c *Consumer) watch(ctx context.Context) (wait func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		if c.cfg.WatchdogTimeout > 0 {
			c.lookAfterWatchdog(ctx)
		}
	}()
	return func() { <-done }
}

// lookAfterWatchdog asks the hub a question now and then, since a reader that owns no partition
// has none of its own, and says in the log when the watchdog's judgement changes.
func (c *Consumer) lookAfterWatchdog(ctx context.Context) {
	ticker := time.NewTicker(watchInterval(c.cfg, watchEvery))
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
