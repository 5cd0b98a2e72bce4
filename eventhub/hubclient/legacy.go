package hubclient

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/Azure/azure-amqp-common-go/v4/auth"
	eventhubs "github.com/Azure/azure-event-hubs-go/v3"
	"github.com/Azure/azure-event-hubs-go/v3/persist"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/go-autorest/autorest/azure"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/eventhub/azauth"
	"aks-audit-log-go/forwarder"
)

// azureEventHubsGo is the Hub on github.com/Azure/azure-event-hubs-go/v3.
type legacyHub struct {
	cfg   forwarder.Config
	group string
	// tokens is nil where a key is used.
	tokens    *azauth.Tokens
	credits   *credits
	websocket bool
	// patience bounds a question.
	patience time.Duration
}

var _ eventhub.Hub = (*legacyHub)(nil)

// newAzureEventHubsGo does not connect yet.
func newLegacyHub(cfg forwarder.Config, tokens *azauth.Tokens) (*legacyHub, error) {
	hub := &legacyHub{
		cfg:       cfg,
		tokens:    tokens,
		group:     cfg.ConsumerGroup,
		credits:   newCredits(cfg),
		websocket: cfg.HubTransport == forwarder.TransportWebSocket,
		patience:  ManagementTimeout(cfg),
	}
	if _, err := hub.open(persist.NewMemoryPersister()); err != nil {
		return nil, err
	}
	return hub, nil
}

// open makes a client of the SDK. Each partition has one of its own: the SDK connects under a
// lock of its client, so that one partition that hangs there would stop all of them.
func (a *legacyHub) open(positions persist.CheckpointPersister) (*eventhubs.Hub, error) {
	options := []eventhubs.HubOption{eventhubs.HubWithOffsetPersistence(positions)}
	if a.websocket {
		options = append(options, eventhubs.HubWithWebSocketConnection())
	}
	hub, err := a.client(options)
	if err != nil {
		return nil, fmt.Errorf("set up the event hub client: %w", err)
	}
	return hub, nil
}

func (a *legacyHub) client(options []eventhubs.HubOption) (*eventhubs.Hub, error) {
	if a.tokens == nil {
		return eventhubs.NewHubFromConnectionString(hubConnectionString(a.cfg)+";EntityPath="+a.cfg.HubName, options...)
	}
	// It puts the two parts of the host together again. It would take the second from a list of
	// clouds, of which the variable AZURE_ENVIRONMENT names one.
	name, suffix, _ := strings.Cut(a.cfg.HubConnection.Host, ".")
	options = append(options, eventhubs.HubWithEnvironment(azure.Environment{ServiceBusEndpointSuffix: suffix}))
	return eventhubs.NewHub(name, a.cfg.HubName, legacyTokens{a.tokens}, options...)
}

func (a *legacyHub) PartitionIDs(ctx context.Context) ([]string, error) {
	hub, err := a.open(persist.NewMemoryPersister())
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, a.patience)
	defer cancel()
	info, err := hub.GetRuntimeInformation(ctx)
	if err != nil {
		return nil, fmt.Errorf("ask the event hub for its partitions: %w", azauth.Explain(err, a.tokens != nil))
	}
	a.credits.learn(len(info.PartitionIDs))
	return info.PartitionIDs, nil
}

func (a *legacyHub) PartitionInfo(ctx context.Context, partition string) (eventhub.PartitionInfo, error) {
	hub, err := a.open(persist.NewMemoryPersister())
	if err != nil {
		return eventhub.PartitionInfo{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, a.patience)
	defer cancel()
	info, err := hub.GetPartitionInformation(ctx, partition)
	if err != nil {
		return eventhub.PartitionInfo{}, fmt.Errorf("ask the event hub about partition %s: %w", partition, azauth.Explain(err, a.tokens != nil))
	}
	return eventhub.PartitionInfo{
		First:        info.BeginningSequenceNumber,
		Last:         info.LastSequenceNumber,
		LastOffset:   info.LastEnqueuedOffset,
		LastEnqueued: info.LastEnqueuedTimeUtc,
	}, nil
}

func (a *legacyHub) Receive(ctx context.Context, partition string, from eventhub.Position, handle eventhub.Handler) error {
	reader := &sdkReader{position: from, handle: handle}
	hub, err := a.open(reader)
	if err != nil {
		return err
	}
	listener, err := a.listen(ctx, hub, partition, reader)
	if err != nil {
		if ctx.Err() != nil {
			return nil //nolint:nilerr // the caller ended it, that is no failure
		}
		return fmt.Errorf("receive from partition %s: %w", partition, azauth.Explain(err, a.tokens != nil))
	}
	var ended error
	select {
	case <-ctx.Done():
	case <-listener.Done():
		ended = listener.Err()
	}
	reader.close(listener)
	switch {
	case ctx.Err() != nil:
		return nil //nolint:nilerr // the caller ended it, that is no failure
	case errors.Is(ended, context.Canceled):
		// The SDK closes the listener by itself and without an error for one reason only: the
		// service said amqp:link:stolen (receiver.go, listenForMessages).
		return eventhub.ErrDisplaced
	default:
		return fmt.Errorf("receive from partition %s: %w", partition, azauth.Explain(ended, a.tokens != nil))
	}
}

func (a *legacyHub) listen(ctx context.Context, hub *eventhubs.Hub, partition string, reader *sdkReader) (*eventhubs.ListenerHandle, error) {
	ctx, cancel := context.WithTimeout(ctx, eventhub.ConnectTimeout)
	defer cancel()
	return hub.Receive(ctx, partition, reader.take,
		eventhubs.ReceiveWithConsumerGroup(a.group),
		eventhubs.ReceiveWithPrefetchCount(uint32(a.credits.each())), // #nosec G115 -- it is never negative
		// The lowest epoch: a new owner's link displaces the old one's, as in Azure's own
		// processors, so that a partition never has two readers.
		eventhubs.ReceiveWithEpoch(0))
}

// Close only ends the tokens: every Receive and every question had a client of its own.
func (a *legacyHub) Close(context.Context) error {
	a.tokens.Close()
	return nil
}

// retiredTokens gives the tokens as azure-event-hubs-go wants them.
type legacyTokens struct{ tokens *azauth.Tokens }

var _ auth.TokenProvider = legacyTokens{}

// GetToken implements auth.TokenProvider, which gives no context; tokens bounds the request by itself. A
// token is for the whole service, whatever the address.
func (r legacyTokens) GetToken(string) (*auth.Token, error) {
	token, err := r.tokens.GetToken(context.Background(), policy.TokenRequestOptions{})
	if err != nil {
		return nil, err
	}
	return auth.NewToken(auth.CBSTokenTypeJWT, token.Token, strconv.FormatInt(token.ExpiresOn.Unix(), 10)), nil
}

// sdkReader stands between the SDK and a Handler: it remembers the last event handed on, from
// where the SDK goes on when it reconnects, and keeps back what comes a second time. The SDK
// calls it from its own goroutines, hence the locks.
type sdkReader struct {
	handle eventhub.Handler
	// inHand is held while an event is being handed on.
	inHand sync.Mutex
	closed bool

	lock     sync.Mutex
	position eventhub.Position
}

var _ persist.CheckpointPersister = (*sdkReader)(nil)

// take is the SDK's handler. It never returns an error: the SDK would not hand that event out
// again, it would go on to the next.
func (r *sdkReader) take(ctx context.Context, raw *eventhubs.Event) error {
	r.inHand.Lock()
	defer r.inHand.Unlock()
	if r.closed || ctx.Err() != nil {
		return nil
	}
	event := eventOf(raw, r.current().Sequence)
	if event.Sequence <= r.current().Sequence {
		return nil
	}
	r.handle(ctx, event)
	if ctx.Err() == nil {
		r.advance(event)
	}
	return nil
}

// eventOf reads what the service says of an event. Sequence numbers grow by one, so that of an
// event without one follows from the last.
func eventOf(raw *eventhubs.Event, last int64) eventhub.Event {
	event := eventhub.Event{Body: raw.Data, Sequence: last + 1, Encoding: raw.RawAMQPMessage.Properties.ContentEncoding}
	system := raw.SystemProperties
	if system == nil {
		return event
	}
	if system.SequenceNumber != nil {
		event.Sequence = *system.SequenceNumber
	}
	if system.EnqueuedTime != nil {
		event.Enqueued = *system.EnqueuedTime
	}
	if offset, known := system.Annotations["x-opt-offset"]; known {
		event.Offset = fmt.Sprint(offset)
	}
	return event
}

func (r *sdkReader) current() eventhub.Position {
	r.lock.Lock()
	defer r.lock.Unlock()
	return r.position
}

func (r *sdkReader) advance(event eventhub.Event) {
	r.lock.Lock()
	defer r.lock.Unlock()
	r.position = eventhub.Position{Sequence: event.Sequence, Offset: event.Offset, Since: r.position.Since}
}

// close ends the listener and waits for an event in hand, which the SDK does not. A listener that
// does not end in its time is left to itself: the SDK hangs in one whose connection is dead.
func (r *sdkReader) close(listener *eventhubs.ListenerHandle) {
	eventhub.CloseQuietly(context.Background(), listener.Close)
	r.inHand.Lock()
	defer r.inHand.Unlock()
	r.closed = true
}

// Read tells the SDK where to start or to go on. It can start from an offset or a time; where
// neither is known it starts at the oldest event, and take drops what is not above the sequence
// number.
func (r *sdkReader) Read(_, _, _, _ string) (persist.Checkpoint, error) {
	position := r.current()
	switch {
	case position.Offset != "":
		return persist.NewCheckpoint(position.Offset, position.Sequence, time.Time{}), nil
	case !position.Since.IsZero():
		return persist.NewCheckpoint("", 0, position.Since), nil
	default:
		return persist.NewCheckpointFromStartOfStream(), nil
	}
}

// Write ignores what the SDK believes to have been handled.
func (r *sdkReader) Write(_, _, _, _ string, _ persist.Checkpoint) error { return nil }
