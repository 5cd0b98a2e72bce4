package consumer

import (
	"context"
	"errors"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/eventhub/advice"
	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/forwarder/health"
)

// observedHub tells the watchdog when the hub has answered a request, and health whether the hub accepts the key or
// the identity and opens the partitions. Its errors say what an operator can do. Neither an error nor a 401 counts as
// an answer: a new process may read a newer key.
type observedHub struct {
	eventhub.Hub
	cfg    forwarder.Config
	health *health.Health
}

// PartitionIDs implements eventhub.Hub.
func (h observedHub) PartitionIDs(ctx context.Context) ([]string, error) {
	ids, err := h.Hub.PartitionIDs(ctx)
	return ids, h.observe(err)
}

// PartitionInfo implements eventhub.Hub.
func (h observedHub) PartitionInfo(ctx context.Context, partition string) (eventhub.PartitionInfo, error) {
	info, err := h.Hub.PartitionInfo(ctx, partition)
	return info, h.observe(err)
}

// observe notes the answer to a request. It adds to the error what an operator can do.
func (h observedHub) observe(err error) error {
	if err == nil {
		h.health.HubAnswered()
		h.health.HubAccepts("")
		return nil
	}
	if eventhub.AccessDeniedBy(err) == eventhub.ServiceHub {
		h.health.HubRefuses("", err.Error())
	}
	return advice.Hub(h.cfg, err)
}

// Receive implements eventhub.Hub.
func (h observedHub) Receive(ctx context.Context, partition string, from eventhub.Position, receiver eventhub.Receiver) error {
	err := h.Hub.Receive(ctx, partition, from, eventhub.Receiver{Handle: receiver.Handle, Attached: func() {
		h.health.Attached(partition)
		receiver.NoteAttached()
	}})
	if err == nil || errors.Is(err, eventhub.ErrDisplaced) || ctx.Err() != nil {
		return err
	}
	if eventhub.AccessDeniedBy(err) == eventhub.ServiceHub {
		h.health.HubRefuses(partition, err.Error())
	}
	return advice.Group(h.cfg, err)
}
