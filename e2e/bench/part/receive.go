package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azeventhubs/v2"
	"golang.org/x/sync/errgroup"

	"aks-audit-log-go/e2e/bench/control"
	"aks-audit-log-go/e2e/bench/load"
)

// atOnce is how many hub events a loop takes at once, at the most: those of usual size that fill one
// POST. More would be slower and need more memory.
const atOnce = 18

// handler is given what was there of one partition. It belongs to one goroutine.
type handler func(ctx context.Context, events []*azeventhubs.ReceivedEventData) error

// receive reads all partitions from their beginning, each in a goroutine and with a handler of its
// own, as an SDK's own example would: no ownership, no checkpoint, nothing tried again.
func receive(ctx context.Context, o options, newHandler func() handler) error {
	consumer, err := azeventhubs.NewConsumerClientFromConnectionString(o.connection, o.hub, azeventhubs.DefaultConsumerGroup,
		&azeventhubs.ConsumerClientOptions{TLSConfig: onLoopback()})
	if err != nil {
		return fmt.Errorf("set up the hub client: %w", err)
	}
	defer func() { _ = consumer.Close(context.WithoutCancel(ctx)) }() // the process ends
	properties, err := consumer.GetEventHubProperties(ctx, nil)
	if err != nil {
		return fmt.Errorf("ask for the partitions: %w", err)
	}
	group, ctx := errgroup.WithContext(ctx)
	for _, id := range properties.PartitionIDs {
		group.Go(func() error { return receivePartition(ctx, consumer, id, newHandler()) })
	}
	if err := group.Wait(); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

func receivePartition(ctx context.Context, consumer *azeventhubs.ConsumerClient, id string, handle handler) error {
	earliest := true
	client, err := consumer.NewPartitionClient(id, &azeventhubs.PartitionClientOptions{
		StartPosition: azeventhubs.StartPosition{Earliest: &earliest},
	})
	if err != nil {
		return fmt.Errorf("open partition %s: %w", id, err)
	}
	for {
		events, err := whatIsThere(ctx, client)
		if err != nil {
			return fmt.Errorf("receive from partition %s: %w", id, err)
		}
		if err := handle(ctx, events); err != nil {
			return err
		}
	}
}

// whatIsThere waits for one event and takes along those that the SDK holds already.
func whatIsThere(ctx context.Context, client *azeventhubs.PartitionClient) ([]*azeventhubs.ReceivedEventData, error) {
	events, err := client.ReceiveEvents(ctx, 1, nil)
	if err != nil {
		return nil, err
	}
	// A call whose time is over gives what is prefetched, and says so with an error if that is nothing.
	over, cancel := context.WithCancel(ctx)
	cancel()
	more, err := client.ReceiveEvents(over, atOnce-1, nil)
	if err != nil && !errors.Is(err, context.Canceled) {
		return nil, err
	}
	return append(events, more...), nil
}

// runDiscard receives and discards: what the AMQP library and the kernel take by themselves. It
// counts load.Records audit events for each hub event.
func runDiscard(ctx context.Context, o options) error {
	received := &control.Counter{}
	if err := received.Tell(ctx, o.stdout, control.Announcement{}); err != nil {
		return err
	}
	return receive(ctx, o, func() handler {
		return func(_ context.Context, events []*azeventhubs.ReceivedEventData) error {
			now, bytes := time.Now(), 0
			for _, event := range events {
				bytes += len(event.Body)
			}
			received.Add(now, now, len(events)*load.Records, bytes, nil)
			return nil
		}
	})
}

// onLoopback has the hub's certificate verified for its host; the SDK would take the port for a part of it.
func onLoopback() *tls.Config {
	return &tls.Config{ServerName: "127.0.0.1", MinVersion: tls.VersionTLS12}
}
