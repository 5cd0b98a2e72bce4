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

// legacyHub is the Client on github.com/Azure/azure-event-hubs-go/v3.
type legacyHub struct {
	cfg   forwarder.Config
	group string
	// tokens is nil if a key or signature is used.
	tokens    *azauth.TokenSource
	credits   *credits
	websocket bool
	// epoch is ownerEpoch, or nil for a reader beside the owner.
	epoch *int64
	// timeout bounds a management request.
	timeout time.Duration
}

var _ Client = (*legacyHub)(nil)

// newLegacyHub does not connect yet.
func newLegacyHub(cfg forwarder.Config, tokens *azauth.TokenSource) (*legacyHub, error) {
	hub := &legacyHub{
		cfg:       cfg,
		tokens:    tokens,
		group:     cfg.ConsumerGroup,
		credits:   newCredits(cfg),
		epoch:     ownerEpoch(),
		websocket: cfg.HubTransport == forwarder.TransportWebSocket,
		timeout:   managementTimeout(cfg),
	}
	if _, err := hub.open(persist.NewMemoryPersister()); err != nil {
		return nil, err
	}
	return hub, nil
}

// open makes a client of the SDK. Each partition has a client of its own: the SDK holds the client's lock while it
// connects, so with a shared client one hanging partition would stop all others.
func (h *legacyHub) open(positions persist.CheckpointPersister) (*eventhubs.Hub, error) {
	options := []eventhubs.HubOption{eventhubs.HubWithOffsetPersistence(positions)}
	if h.websocket {
		options = append(options, eventhubs.HubWithWebSocketConnection())
	}
	hub, err := h.client(options)
	if err != nil {
		return nil, fmt.Errorf("set up the event hub client: %w", err)
	}
	return hub, nil
}

// client makes a client of the SDK with a key or with tokens.
func (h *legacyHub) client(options []eventhubs.HubOption) (*eventhubs.Hub, error) {
	if h.tokens == nil {
		return eventhubs.NewHubFromConnectionString(hubConnectionString(h.cfg)+";EntityPath="+h.cfg.HubName, options...)
	}
	// The SDK joins the two parts of the host again. Without the suffix, it would use the suffix of the cloud that
	// the variable AZURE_ENVIRONMENT names.
	name, suffix, _ := strings.Cut(h.cfg.HubConnection.Host, ".")
	options = append(options, eventhubs.HubWithEnvironment(azure.Environment{ServiceBusEndpointSuffix: suffix}))
	return eventhubs.NewHub(name, h.cfg.HubName, legacyTokens{h.tokens}, options...)
}

// PartitionIDs implements eventhub.Hub.
func (h *legacyHub) PartitionIDs(ctx context.Context) ([]string, error) {
	hub, err := h.open(persist.NewMemoryPersister())
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, h.timeout)
	defer cancel()
	info, err := hub.GetRuntimeInformation(ctx)
	if err != nil {
		return nil, fmt.Errorf("ask the event hub for its partitions: %w", explain(err, h.tokens != nil, h.cfg.HubConnection.SignatureEnds()))
	}
	h.credits.setPartitions(len(info.PartitionIDs))
	return info.PartitionIDs, nil
}

// PartitionInfo implements eventhub.Hub.
func (h *legacyHub) PartitionInfo(ctx context.Context, partition string) (eventhub.PartitionInfo, error) {
	hub, err := h.open(persist.NewMemoryPersister())
	if err != nil {
		return eventhub.PartitionInfo{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, h.timeout)
	defer cancel()
	info, err := hub.GetPartitionInformation(ctx, partition)
	if err != nil {
		return eventhub.PartitionInfo{}, fmt.Errorf("ask the event hub about partition %s: %w", partition, explain(err, h.tokens != nil, h.cfg.HubConnection.SignatureEnds()))
	}
	return eventhub.PartitionInfo{
		First:        info.BeginningSequenceNumber,
		Last:         info.LastSequenceNumber,
		LastOffset:   info.LastEnqueuedOffset,
		LastEnqueued: info.LastEnqueuedTimeUtc,
	}, nil
}

// Receive implements eventhub.Hub.
func (h *legacyHub) Receive(ctx context.Context, partition string, from eventhub.Position, receiver eventhub.Receiver) error {
	reader := &legacyReader{position: from, handle: receiver.Handle}
	hub, err := h.open(reader)
	if err != nil {
		return err
	}
	listener, err := h.listen(ctx, hub, partition, reader)
	if err != nil {
		if ctx.Err() != nil {
			return nil //nolint:nilerr // the caller ended it, which is no failure
		}
		if h.epoch == nil && otherReader(err) {
			return ErrPartitionInUse
		}
		return fmt.Errorf("receive from partition %s: %w", partition, explain(err, h.tokens != nil, h.cfg.HubConnection.SignatureEnds()))
	}
	receiver.NoteAttached()
	var ended error
	select {
	case <-ctx.Done():
	case <-listener.Done():
		ended = listener.Err()
	}
	reader.close(listener)
	switch {
	case ctx.Err() != nil:
		return nil //nolint:nilerr // the caller ended it, which is no failure
	case h.epoch == nil && (errors.Is(ended, context.Canceled) || ended != nil && otherReader(ended)):
		return ErrPartitionInUse
	case errors.Is(ended, context.Canceled):
		// The SDK closes the listener by itself without an error only if the service answered amqp:link:stolen
		// (receiver.go, listenForMessages).
		return eventhub.ErrDisplaced
	default:
		return fmt.Errorf("receive from partition %s: %w", partition, explain(ended, h.tokens != nil, h.cfg.HubConnection.SignatureEnds()))
	}
}

// listen starts a listener of the SDK within eventhub.ConnectTimeout.
func (h *legacyHub) listen(ctx context.Context, hub *eventhubs.Hub, partition string, reader *legacyReader) (*eventhubs.ListenerHandle, error) {
	ctx, cancel := context.WithTimeout(ctx, eventhub.ConnectTimeout)
	defer cancel()
	options := []eventhubs.ReceiveOption{
		eventhubs.ReceiveWithConsumerGroup(h.group),
		eventhubs.ReceiveWithPrefetchCount(uint32(h.credits.perPartition())), // #nosec G115 -- it is never negative
	}
	if h.epoch != nil {
		options = append(options, eventhubs.ReceiveWithEpoch(*h.epoch))
	}
	return hub.Receive(ctx, partition, reader.accept, options...)
}

// ProbeGroup implements Client. It ignores the position: this SDK reports when the partition is open, so no event is
// needed. It requests none, because the SDK would panic on an event without a body.
func (h *legacyHub) ProbeGroup(ctx context.Context, partition string, _ int64, _ int) ([]eventhub.Event, error) {
	hub, err := h.open(persist.NewMemoryPersister())
	if err != nil {
		return nil, err
	}
	return nil, probeResult(ctx, partition, callWithContext(ctx, func(ctx context.Context) error {
		listener, err := hub.Receive(ctx, partition, func(context.Context, *eventhubs.Event) error { return nil },
			eventhubs.ReceiveWithConsumerGroup(h.group), eventhubs.ReceiveWithPrefetchCount(1), eventhubs.ReceiveWithLatestOffset())
		if err == nil {
			closeQuietly(ctx, listener.Close)
		}
		return err
	}))
}

// Close implements eventhub.Hub. It only closes the tokens: every Receive and every request had a client of its own.
func (h *legacyHub) Close(context.Context) error {
	h.tokens.Close()
	return nil
}

// legacyTokens is the auth.TokenProvider that azure-event-hubs-go expects.
type legacyTokens struct{ tokens *azauth.TokenSource }

var _ auth.TokenProvider = legacyTokens{}

// GetToken implements auth.TokenProvider. That interface passes no context; the TokenSource bounds the request
// itself. GetToken ignores the address, because a token is valid for the whole service.
func (t legacyTokens) GetToken(string) (*auth.Token, error) {
	token, err := t.tokens.GetToken(context.Background(), policy.TokenRequestOptions{})
	if err != nil {
		return nil, err
	}
	return auth.NewToken(auth.CBSTokenTypeJWT, token.Token, strconv.FormatInt(token.ExpiresOn.Unix(), 10)), nil
}

// legacyReader passes the events of a partition from the SDK to a Handler. It remembers the last event that it handed
// on, so that the SDK continues there after a reconnect, and drops events that come a second time. It has locks
// because the SDK calls it from several goroutines.
type legacyReader struct {
	handle func(context.Context, eventhub.Event)
	// handling is held while the handler has an event. It guards closed.
	handling sync.Mutex
	closed   bool

	// mu guards position.
	mu       sync.Mutex
	position eventhub.Position
}

var _ persist.CheckpointPersister = (*legacyReader)(nil)

// accept is the SDK's handler. It never returns an error, because the SDK would not deliver the event again, but
// continue with the next one.
func (r *legacyReader) accept(ctx context.Context, received *eventhubs.Event) error {
	r.handling.Lock()
	defer r.handling.Unlock()
	if r.closed || ctx.Err() != nil {
		return nil
	}
	event := convertLegacy(received, r.current().Sequence)
	if r.current().Passed(eventhub.After(event)) {
		return nil
	}
	r.handle(ctx, event)
	if ctx.Err() == nil {
		r.advance(event)
	}
	return nil
}

// convertLegacy reads an event of the SDK. If the event has no sequence number, convertLegacy derives it from the last
// one, because sequence numbers grow by one.
func convertLegacy(received *eventhubs.Event, last int64) eventhub.Event {
	event := eventhub.Event{Body: received.Data, Sequence: last + 1, Encoding: received.RawAMQPMessage.Properties.ContentEncoding}
	system := received.SystemProperties
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

// current returns the position after the last event handed on.
func (r *legacyReader) current() eventhub.Position {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.position
}

// advance moves the position after event.
func (r *legacyReader) advance(event eventhub.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.position = r.position.Next(event)
}

// close closes the listener and then waits for the handler, because the SDK does not wait for it. It abandons a
// listener that does not end in time: the SDK hangs if the connection is dead.
func (r *legacyReader) close(listener *eventhubs.ListenerHandle) {
	closeQuietly(context.Background(), listener.Close)
	r.handling.Lock()
	defer r.handling.Unlock()
	r.closed = true
}

// Read tells the SDK where to start or continue. The SDK can start after an offset or a time. If the time of the last
// event is known, it starts at the events of that millisecond. accept drops those that were handed on; if the event
// hub was recreated, no unread event is older than these. If neither time nor offset is known, the SDK starts at the
// oldest event, and accept drops the events up to the sequence number.
func (r *legacyReader) Read(_, _, _, _ string) (persist.Checkpoint, error) {
	position := r.current()
	switch {
	case !position.Enqueued.IsZero():
		return persist.NewCheckpoint("", 0, position.Enqueued.Add(-time.Millisecond)), nil
	case position.Offset != "":
		return persist.NewCheckpoint(position.Offset, position.Sequence, time.Time{}), nil
	case !position.Since.IsZero():
		return persist.NewCheckpoint("", 0, position.Since), nil
	default:
		return persist.NewCheckpointFromStartOfStream(), nil
	}
}

// Write ignores the position that the SDK reports, because that event may not have been handled.
func (r *legacyReader) Write(_, _, _, _ string, _ persist.Checkpoint) error { return nil }
