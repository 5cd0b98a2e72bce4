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
	"aks-audit-log-go/forwarder"
)

const (
	// quietTimeout is how long an event is waited for before the hub is asked whether it is
	// still there, and whether it holds one.
	quietTimeout = 30 * time.Second
	// sdkRetries and sdkRetryDelay are how the SDK tries again by itself. One retry reconnects;
	// for more the caller has its own pauses. Without any, the SDK's renewal of its
	// authorisation, which never gives up, would try without a pause (namespace.go:413).
	sdkRetries    = 1
	sdkRetryDelay = time.Second
	// sdkNoRetries is one try, in the SDK's words.
	sdkNoRetries = -1
)

// azEventHubs is the Hub on github.com/Azure/azure-sdk-for-go/sdk/messaging/azeventhubs/v2.
type azEventHubs struct {
	cfg     forwarder.Config
	options azeventhubs.ConsumerClientOptions
	quiet   time.Duration
	credits *credits
	// tokens is nil where a key is used.
	tokens *azauth.Tokens
	// consumer has one connection for all partitions, questions one for all questions.
	consumer  *azeventhubs.ConsumerClient
	questions azManagement
}

var _ eventhub.Hub = (*azEventHubs)(nil)

// newAzEventHubs does not connect yet.
func newAzEventHubs(cfg forwarder.Config, tokens *azauth.Tokens) (*azEventHubs, error) {
	trust, err := hubTLS(cfg)
	if err != nil {
		return nil, err
	}
	hub := &azEventHubs{cfg: cfg, quiet: quietTimeout, credits: newCredits(cfg), tokens: tokens, options: azeventhubs.ConsumerClientOptions{
		ApplicationID: "aks-audit-log-go",
		// The service names it to a reader that this one displaces.
		InstanceID: eventhub.ReaderID(),
		TLSConfig:  trust,
	}}
	if cfg.HubTransport == forwarder.TransportWebSocket {
		dialer := webSocketDialer{tls: trust, plain: cfg.HubConnection.Emulator, proxy: azauth.WithoutValue(http.ProxyFromEnvironment)}
		hub.options.NewWebSocketConn = dialer.dial
	}
	hub.questions = azManagement{connect: hub.connect, patience: ManagementTimeout(cfg)}
	hub.consumer, err = hub.connect(sdkRetries)
	return hub, err
}

// connect makes a client of the SDK. It connects with the first question.
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

// open makes the client of a partition. It connects with the first event that is asked for.
func (a *azEventHubs) open(consumer *azeventhubs.ConsumerClient, partition string, from eventhub.Position) (*azeventhubs.PartitionClient, error) {
	// The lowest epoch: a new owner's link displaces the old one's, as in Azure's own
	// processors, so that a partition never has two readers.
	epoch := int64(0)
	link, err := consumer.NewPartitionClient(partition, &azeventhubs.PartitionClientOptions{
		StartPosition: sdkPosition(from),
		OwnerLevel:    &epoch,
		Prefetch:      a.credits.each(),
	})
	if err != nil {
		return nil, fmt.Errorf("set up the client of partition %s: %w", partition, err)
	}
	return link, nil
}

// sdkPosition never asks for the latest event: the SDK would ask for it again when it
// reconnects, and what came in between would be lost.
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

func (a *azEventHubs) PartitionIDs(ctx context.Context) ([]string, error) {
	var info azeventhubs.EventHubProperties
	err := a.questions.request(ctx, func(ctx context.Context, client *azeventhubs.ConsumerClient) (err error) {
		info, err = client.GetEventHubProperties(ctx, nil)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("ask the event hub for its partitions: %w", azauth.Explain(err, a.tokens != nil))
	}
	a.credits.learn(len(info.PartitionIDs))
	return info.PartitionIDs, nil
}

func (a *azEventHubs) PartitionInfo(ctx context.Context, partition string) (eventhub.PartitionInfo, error) {
	var info azeventhubs.PartitionProperties
	err := a.questions.request(ctx, func(ctx context.Context, client *azeventhubs.ConsumerClient) (err error) {
		info, err = client.GetPartitionProperties(ctx, partition, nil)
		return err
	})
	if err != nil {
		return eventhub.PartitionInfo{}, fmt.Errorf("ask the event hub about partition %s: %w", partition, azauth.Explain(err, a.tokens != nil))
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

func (a *azEventHubs) Receive(ctx context.Context, partition string, from eventhub.Position, handle eventhub.Handler) error {
	reader := &azReader{hub: a, partition: partition, position: from, handle: handle}
	for {
		err := reader.read(ctx)
		switch {
		case ctx.Err() != nil:
			return nil //nolint:nilerr // the caller ended it, that is no failure
		case errors.Is(err, errOpenAgain):
			reader.doubt = false
		case errors.Is(err, errDoubt):
			reader.doubt = true
		case displaced(err):
			return eventhub.ErrDisplaced
		default:
			// So does a reader with a higher epoch show that is there already: what the service
			// says as it refuses the link does not get through.
			return fmt.Errorf("receive from partition %s: %w", partition, azauth.Explain(err, a.tokens != nil))
		}
	}
}

func (a *azEventHubs) Close(ctx context.Context) error {
	a.tokens.Close()
	err := errors.Join(eventhub.CallWithContext(ctx, a.consumer.Close), a.questions.close(ctx))
	if err != nil {
		return fmt.Errorf("close the event hub client: %w", err)
	}
	return nil
}

var ()
