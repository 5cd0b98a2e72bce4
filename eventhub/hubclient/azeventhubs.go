package hubclient

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azeventhubs/v2"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/eventhub/azauth"
	"aks-audit-log-go/eventhub/hubclient/sdklog"
	"aks-audit-log-go/forwarder"
)

const (
	// quietTimeout is how long the reader waits for an event before it asks the hub whether there is one. The request
	// also shows whether the hub still answers.
	quietTimeout = 30 * time.Second
	// sdkRetries is how often the SDK retries by itself. One retry reconnects; the caller makes further attempts with
	// pauses of its own. Without a retry, the SDK would renew its authorisation, and retry that forever without a
	// pause (namespace.go:413).
	sdkRetries = 1
	// sdkRetryDelay is the pause before a retry of the SDK.
	sdkRetryDelay = time.Second
	// sdkNoRetries is the SDK's value for one attempt.
	sdkNoRetries = -1
)

// azEventHubs is the Client on github.com/Azure/azure-sdk-for-go/sdk/messaging/azeventhubs/v2.
type azEventHubs struct {
	cfg     forwarder.Config
	options azeventhubs.ConsumerClientOptions
	// quiet is quietTimeout, or less in tests.
	quiet   time.Duration
	credits *credits
	// tokens is nil if a key or signature is used.
	tokens *azauth.TokenSource
	// epoch is ownerEpoch, or nil for a reader beside the owner.
	epoch *int64
	// consumer has one connection for all partitions.
	consumer *azeventhubs.ConsumerClient
	// management has one connection for all management requests.
	management azManagement
}

var _ Client = (*azEventHubs)(nil)

// newAzEventHubs does not connect yet.
func newAzEventHubs(cfg forwarder.Config, readerID string, tokens *azauth.TokenSource) (*azEventHubs, error) {
	sdklog.Listen()
	tlsConfig, err := hubTLS(cfg)
	if err != nil {
		return nil, err
	}
	hub := &azEventHubs{cfg: cfg, quiet: quietTimeout, credits: newCredits(cfg), tokens: tokens, epoch: ownerEpoch(), options: azeventhubs.ConsumerClientOptions{
		ApplicationID: "aks-audit-log-go",
		// If this reader displaces another one, the service shows that reader the id.
		InstanceID: readerID,
		TLSConfig:  tlsConfig,
	}}
	if cfg.HubTransport == forwarder.TransportWebSocket {
		dialer := webSocketDialer{tls: tlsConfig, plain: cfg.HubConnection.Emulator, proxy: azauth.HideProxyValue(http.ProxyFromEnvironment)}
		hub.options.NewWebSocketConn = dialer.dial
	}
	hub.management = azManagement{connect: hub.connect, timeout: managementTimeout(cfg)}
	hub.consumer, err = hub.connect(sdkRetries)
	return hub, err
}

// connect makes a client of the SDK. The client connects with its first request.
func (a *azEventHubs) connect(retries int32) (*azeventhubs.ConsumerClient, error) {
	options := a.options
	options.RetryOptions = azeventhubs.RetryOptions{MaxRetries: retries, RetryDelay: sdkRetryDelay, MaxRetryDelay: sdkRetryDelay}
	var consumer *azeventhubs.ConsumerClient
	var err error
	if a.tokens != nil {
		consumer, err = azeventhubs.NewConsumerClient(a.cfg.HubConnection.Host, a.cfg.HubName, a.cfg.ConsumerGroup, a.tokens, &options)
	} else {
		consumer, err = azeventhubs.NewConsumerClientFromConnectionString(hubConnectionString(a.cfg), a.cfg.HubName, a.cfg.ConsumerGroup, &options)
	}
	if err != nil {
		return nil, fmt.Errorf("set up the event hub client: %w", err)
	}
	return consumer, nil
}

// open makes the client of a partition. The client connects when the first event is requested.
func (a *azEventHubs) open(consumer *azeventhubs.ConsumerClient, partition string, from azeventhubs.StartPosition) (*azeventhubs.PartitionClient, error) {
	link, err := consumer.NewPartitionClient(partition, &azeventhubs.PartitionClientOptions{
		StartPosition: from,
		OwnerLevel:    a.epoch,
		Prefetch:      a.credits.perPartition(),
	})
	if err != nil {
		return nil, fmt.Errorf("set up the client of partition %s: %w", partition, err)
	}
	return link, nil
}

// sdkPosition returns the SDK's start position after from, by sequence number or by time.
func sdkPosition(from eventhub.Position) azeventhubs.StartPosition {
	earliest := true
	switch {
	case from.Sequence > eventhub.NoSequence:
		return azeventhubs.StartPosition{SequenceNumber: &from.Sequence}
	case !from.Since.IsZero():
		return azeventhubs.StartPosition{EnqueuedTime: &from.Since}
	default:
		return azeventhubs.StartPosition{Earliest: &earliest}
	}
}

// PartitionIDs implements eventhub.Hub.
func (a *azEventHubs) PartitionIDs(ctx context.Context) ([]string, error) {
	var info azeventhubs.EventHubProperties
	err := a.management.request(ctx, func(ctx context.Context, client *azeventhubs.ConsumerClient) (err error) {
		info, err = client.GetEventHubProperties(ctx, nil)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("ask the event hub for its partitions: %w", explain(err, a.tokens != nil, a.cfg.HubConnection.SignatureEnds()))
	}
	a.credits.setPartitions(len(info.PartitionIDs))
	return info.PartitionIDs, nil
}

// PartitionInfo implements eventhub.Hub.
func (a *azEventHubs) PartitionInfo(ctx context.Context, partition string) (eventhub.PartitionInfo, error) {
	var info azeventhubs.PartitionProperties
	err := a.management.request(ctx, func(ctx context.Context, client *azeventhubs.ConsumerClient) (err error) {
		info, err = client.GetPartitionProperties(ctx, partition, nil)
		return err
	})
	if err != nil {
		return eventhub.PartitionInfo{}, fmt.Errorf("ask the event hub about partition %s: %w", partition, explain(err, a.tokens != nil, a.cfg.HubConnection.SignatureEnds()))
	}
	first := info.BeginningSequenceNumber
	if info.IsEmpty {
		first = info.LastEnqueuedSequenceNumber + 1
	}
	return eventhub.PartitionInfo{
		First:        first,
		Last:         info.LastEnqueuedSequenceNumber,
		LastOffset:   info.LastEnqueuedOffset,
		LastEnqueued: info.LastEnqueuedOn,
	}, nil
}

// Receive implements eventhub.Hub.
func (a *azEventHubs) Receive(ctx context.Context, partition string, from eventhub.Position, receiver eventhub.Receiver) error {
	reader := &azReader{hub: a, partition: partition, position: from, receiver: receiver}
	for {
		err := reader.read(ctx)
		switch {
		case ctx.Err() != nil:
			return nil //nolint:nilerr // the caller ended it, so it is no failure
		case errors.Is(err, errReopen):
			reader.withoutRetries = false
		case errors.Is(err, errEventMissing):
			reader.withoutRetries = true
		case errors.Is(err, errLastMissing), reader.positionRefused(err):
			reader.byTime = true
		case a.epoch == nil && otherReader(err):
			return ErrPartitionInUse
		case displaced(err):
			return eventhub.ErrDisplaced
		default:
			// The service also refuses the link if a reader with a higher epoch has the partition. The SDK does not
			// pass on that reason.
			return fmt.Errorf("receive from partition %s: %w", partition, explain(err, a.tokens != nil, a.cfg.HubConnection.SignatureEnds()))
		}
	}
}

// probeRestTime is how long ProbeGroup waits for the events after the first one.
const probeRestTime = 2 * time.Second

// ProbeGroup implements Client.
func (a *azEventHubs) ProbeGroup(ctx context.Context, partition string, after int64, count int) (events []eventhub.Event, err error) {
	consumer, err := a.connect(sdkNoRetries)
	if err != nil {
		return nil, err
	}
	defer closeQuietly(ctx, consumer.Close)
	link, err := consumer.NewPartitionClient(partition, &azeventhubs.PartitionClientOptions{
		StartPosition: sdkPosition(eventhub.Position{Sequence: after}),
		Prefetch:      -1, // only the events that are requested
	})
	if err != nil {
		return nil, fmt.Errorf("set up the client of partition %s: %w", partition, err)
	}
	defer closeQuietly(ctx, link.Close)
	received := make(chan []*azeventhubs.ReceivedEventData, 1)
	err = probeResult(ctx, partition, callWithContext(ctx, func(ctx context.Context) error {
		first, failure := link.ReceiveEvents(ctx, 1, nil)
		if failure == nil && count > 1 {
			// The SDK waits until it has all of them, but retention may have removed some.
			rest, cancel := context.WithTimeout(ctx, probeRestTime)
			defer cancel()
			more, _ := link.ReceiveEvents(rest, count-1, nil)
			first = append(first, more...)
		}
		received <- first
		return failure
	}))
	select {
	case raw := <-received:
		for _, one := range raw {
			events = append(events, eventOf(one))
		}
	default: // the SDK ignored the end of ctx
	}
	return events, err
}

// Close implements eventhub.Hub.
func (a *azEventHubs) Close(ctx context.Context) error {
	a.tokens.Close()
	err := errors.Join(callWithContext(ctx, a.consumer.Close), a.management.close(ctx))
	if err != nil {
		return fmt.Errorf("close the event hub client: %w", err)
	}
	return nil
}
