package consumer

import (
	"context"
	"sync"
	"time"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/forwarder/health"
)

// acceptedAfter is how long a partition must be received from before the hub is taken to accept this replica, if no event
// shows it earlier. A refusal comes at once.
const acceptedAfter = 30 * time.Second

// observedHub tells the watchdog when the hub has answered a request, and health whether the hub accepts the key or the
// identity. An error does not count as an answer, not even a 401: a new process may read a newer key.
type observedHub struct {
	eventhub.Hub
	health *health.Health
}

// PartitionIDs implements eventhub.Hub.
func (h observedHub) PartitionIDs(ctx context.Context) ([]string, error) {
	ids, err := h.Hub.PartitionIDs(ctx)
	h.observe(err)
	return ids, err
}

// PartitionInfo implements eventhub.Hub.
func (h observedHub) PartitionInfo(ctx context.Context, partition string) (eventhub.PartitionInfo, error) {
	info, err := h.Hub.PartitionInfo(ctx, partition)
	h.observe(err)
	return info, err
}

// observe notes the answer to a request.
func (h observedHub) observe(err error) {
	switch {
	case err == nil:
		h.health.HubAnswered()
		h.health.HubAccepts("")
	case eventhub.AccessDeniedBy(err) == eventhub.ServiceHub:
		h.health.HubRefuses("", err.Error())
	}
}

// Receive implements eventhub.Hub.
func (h observedHub) Receive(ctx context.Context, partition string, from eventhub.Position, handle eventhub.Handler) error {
	var once sync.Once
	accept := func() { once.Do(func() { h.health.HubAccepts(partition) }) }
	late := time.AfterFunc(acceptedAfter, accept)
	err := h.Hub.Receive(ctx, partition, from, func(ctx context.Context, event eventhub.Event) {
		accept()
		handle(ctx, event)
	})
	late.Stop()
	if eventhub.AccessDeniedBy(err) == eventhub.ServiceHub {
		h.health.HubRefuses(partition, err.Error())
	}
	return err
}
