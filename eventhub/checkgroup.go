package eventhub

import (
	"context"
	"errors"
	"fmt"
	"strings"

	eventhubs "github.com/Azure/azure-event-hubs-go/v3"
	"github.com/Azure/azure-event-hubs-go/v3/persist"
	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azeventhubs/v2"
)

func (a *azEventHubs) probeGroup(ctx context.Context, partition string, after int64) error {
	consumer, err := a.connect(sdkNoRetries)
	if err != nil {
		return err
	}
	defer letGo(ctx, consumer.Close)
	link, err := consumer.NewPartitionClient(partition, &azeventhubs.PartitionClientOptions{
		StartPosition: sdkPosition(Position{Sequence: after}),
		Prefetch:      -1, // nothing but the one event that is asked for
	})
	if err != nil {
		return fmt.Errorf("set up the client of partition %s: %w", partition, err)
	}
	defer letGo(ctx, link.Close)
	return probed(ctx, partition, bounded(ctx, func(ctx context.Context) error {
		_, failed := link.ReceiveEvents(ctx, 1, nil)
		return failed
	}))
}

func (a *azureEventHubsGo) probeGroup(ctx context.Context, partition string, _ int64) error {
	hub, err := a.open(persist.NewMemoryPersister())
	if err != nil {
		return err
	}
	// This client says when the partition is open, so no event is needed. It is never given one: it
	// would panic of one without a body.
	return probed(ctx, partition, bounded(ctx, func(ctx context.Context) error {
		listener, err := hub.Receive(ctx, partition, func(context.Context, *eventhubs.Event) error { return nil },
			eventhubs.ReceiveWithConsumerGroup(a.group), eventhubs.ReceiveWithPrefetchCount(1), eventhubs.ReceiveWithLatestOffset())
		if err == nil {
			letGo(ctx, listener.Close)
		}
		return err
	}))
}

// probed tells what the end of a probe means.
func probed(ctx context.Context, partition string, err error) error {
	switch {
	case err == nil, ctx.Err() != nil, strings.Contains(err.Error(), unreadable):
		return nil //nolint:nilerr // the link was opened, or not refused in its time
	case refusedForReaders(err):
		return errGroupRead
	}
	return fmt.Errorf("open partition %s: %w", partition, err)
}

// refusedForReaders tells that other readers are in the way: one with an epoch, or the five that a
// group may have without
// (https://learn.microsoft.com/azure/event-hubs/event-hubs-quotas). The new SDK gives a refused link
// no code of its own, hence the text.
func refusedForReaders(err error) bool {
	if displaced(err) || errors.Is(err, ErrDisplaced) {
		return true
	}
	text := err.Error()
	return strings.Contains(text, "amqp:link:stolen") || strings.Contains(text, "number of allowed receivers")
}
