package hubclient

import (
	"context"
	"errors"
	"fmt"
	"strings"

	eventhubs "github.com/Azure/azure-event-hubs-go/v3"
	"github.com/Azure/azure-event-hubs-go/v3/persist"
	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azeventhubs/v2"

	"aks-audit-log-go/eventhub"
)

func (a *azEventHubs) ProbeGroup(ctx context.Context, partition string, after int64) error {
	consumer, err := a.connect(sdkNoRetries)
	if err != nil {
		return err
	}
	defer eventhub.CloseQuietly(ctx, consumer.Close)
	link, err := consumer.NewPartitionClient(partition, &azeventhubs.PartitionClientOptions{
		StartPosition: sdkPosition(eventhub.Position{Sequence: after}),
		Prefetch:      -1, // nothing but the one event that is asked for
	})
	if err != nil {
		return fmt.Errorf("set up the client of partition %s: %w", partition, err)
	}
	defer eventhub.CloseQuietly(ctx, link.Close)
	return probed(ctx, partition, eventhub.CallWithContext(ctx, func(ctx context.Context) error {
		_, failed := link.ReceiveEvents(ctx, 1, nil)
		return failed
	}))
}

func (a *legacyHub) ProbeGroup(ctx context.Context, partition string, _ int64) error {
	hub, err := a.open(persist.NewMemoryPersister())
	if err != nil {
		return err
	}
	// This client says when the partition is open, so no event is needed. It is never given one: it
	// would panic of one without a body.
	return probed(ctx, partition, eventhub.CallWithContext(ctx, func(ctx context.Context) error {
		listener, err := hub.Receive(ctx, partition, func(context.Context, *eventhubs.Event) error { return nil },
			eventhubs.ReceiveWithConsumerGroup(a.group), eventhubs.ReceiveWithPrefetchCount(1), eventhubs.ReceiveWithLatestOffset())
		if err == nil {
			eventhub.CloseQuietly(ctx, listener.Close)
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
		return ErrGroupRead
	}
	return fmt.Errorf("open partition %s: %w", partition, err)
}

// refusedForReaders tells that other readers are in the way: one with an epoch, or the five that a
// group may have without
// (https://learn.microsoft.com/azure/event-hubs/event-hubs-quotas). The new SDK gives a refused link
// no code of its own, hence the text.
func refusedForReaders(err error) bool {
	if displaced(err) || errors.Is(err, eventhub.ErrDisplaced) {
		return true
	}
	text := err.Error()
	return strings.Contains(text, "amqp:link:stolen") || strings.Contains(text, "number of allowed receivers")
}

// groupProber is what each client of the hub can do beside what the consumer needs of it.
type GroupProber interface {
	// probeGroup opens the partition behind after as a reader without an epoch, until an event
	// came or ctx has ended, both of which return nil. Such a reader displaces nobody: where one
	// with an epoch is, as the daemon's are, the service refuses it, which returns errGroupRead.
	// Reading removes nothing from a hub.
	ProbeGroup(ctx context.Context, partition string, after int64) error
}

var _ GroupProber = (*azEventHubs)(nil)

var _ GroupProber = (*legacyHub)(nil)

// errGroupRead says that the group is there and somebody reads the partition.
var ErrGroupRead = errors.New("another reader has the partition")

// errNoProbe cannot happen: both clients can be asked.
var ErrNoProbe = errors.New("this client of the hub cannot be asked for its consumer group")
