package eventhub

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azeventhubs/v2"

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
	tokens *tokens
	// consumer has one connection for all partitions, questions one for all questions.
	consumer  *azeventhubs.ConsumerClient
	questions azQuestions
}

var _ Hub = (*azEventHubs)(nil)

// newAzEventHubs does not connect yet.
func newAzEventHubs(cfg forwarder.Config, tokens *tokens) (*azEventHubs, error) {
	trust, err := hubTLS(cfg)
	if err != nil {
		return nil, err
	}
	hub := &azEventHubs{cfg: cfg, quiet: quietTimeout, credits: newCredits(cfg), tokens: tokens, options: azeventhubs.ConsumerClientOptions{
		ApplicationID: "aks-audit-log-go",
		// The service names it to a reader that this one displaces.
		InstanceID: readerID(),
		TLSConfig:  trust,
	}}
	if cfg.HubTransport == forwarder.TransportWebSocket {
		dialer := webSocketDialer{tls: trust, plain: cfg.HubConnection.Emulator, proxy: withoutValue(http.ProxyFromEnvironment)}
		hub.options.NewWebSocketConn = dialer.dial
	}
	hub.questions = azQuestions{connect: hub.connect, patience: questionTimeout(cfg)}
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
func (a *azEventHubs) open(consumer *azeventhubs.ConsumerClient, partition string, from Position) (*azeventhubs.PartitionClient, error) {
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
func sdkPosition(from Position) azeventhubs.StartPosition {
	earliest := true
	switch {
	case from.Sequence > noSequence:
		return azeventhubs.StartPosition{SequenceNumber: &from.Sequence}
	case !from.Since.IsZero():
		return azeventhubs.StartPosition{EnqueuedTime: &from.Since}
	default:
		return azeventhubs.StartPosition{Earliest: &earliest}
	}
}

func (a *azEventHubs) PartitionIDs(ctx context.Context) ([]string, error) {
	var info azeventhubs.EventHubProperties
	err := a.questions.ask(ctx, func(ctx context.Context, client *azeventhubs.ConsumerClient) (err error) {
		info, err = client.GetEventHubProperties(ctx, nil)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("ask the event hub for its partitions: %w", explain(err, a.tokens != nil))
	}
	a.credits.learn(len(info.PartitionIDs))
	return info.PartitionIDs, nil
}

func (a *azEventHubs) PartitionInfo(ctx context.Context, partition string) (PartitionInfo, error) {
	var info azeventhubs.PartitionProperties
	err := a.questions.ask(ctx, func(ctx context.Context, client *azeventhubs.ConsumerClient) (err error) {
		info, err = client.GetPartitionProperties(ctx, partition, nil)
		return err
	})
	if err != nil {
		return PartitionInfo{}, fmt.Errorf("ask the event hub about partition %s: %w", partition, explain(err, a.tokens != nil))
	}
	first := info.BeginningSequenceNumber
	if info.IsEmpty {
		first = info.LastEnqueuedSequenceNumber + 1
	}
	return PartitionInfo{
		First:        first,
		Last:         info.LastEnqueuedSequenceNumber,
		LastOffset:   info.LastEnqueuedOffset,
		LastEnqueued: info.LastEnqueuedOn,
	}, nil
}

func (a *azEventHubs) Receive(ctx context.Context, partition string, from Position, handle Handler) error {
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
			return ErrDisplaced
		default:
			// So does a reader with a higher epoch show that is there already: what the service
			// says as it refuses the link does not get through.
			return fmt.Errorf("receive from partition %s: %w", partition, explain(err, a.tokens != nil))
		}
	}
}

func (a *azEventHubs) Close(ctx context.Context) error {
	a.tokens.close()
	err := errors.Join(bounded(ctx, a.consumer.Close), a.questions.close(ctx))
	if err != nil {
		return fmt.Errorf("close the event hub client: %w", err)
	}
	return nil
}

var (
	// errOpenAgain says that the partition has to be opened again behind the reader's position,
	// since the SDK does not know it.
	errOpenAgain = errors.New("the partition has to be opened again")
	// errDoubt says that the hub holds an event that did not come. An event that the SDK cannot
	// convert is one that it passes over, without a word, once for each of its retries.
	errDoubt = errors.New("an event did not come")
	// errHeldBack is what becomes of the doubt where the event does not come without retries either.
	errHeldBack = errors.New("the event hub holds an event but does not give it")
)

// unreadable is in what the SDK says of an event whose annotations have other types than it
// expects (event_data.go). It does not give the event.
const unreadable = "cannot be converted to"

// azReader stands between the SDK and a Handler: it remembers the last event handed on, from
// where it opens the partition again where the SDK would go wrong.
type azReader struct {
	hub       *azEventHubs
	partition string
	handle    Handler
	position  Position
	// first is the oldest event that the hub held just before the partition was opened.
	first int64
	// doubt has the partition opened for a single event, without retries, so that the SDK has to
	// say what it does with it.
	doubt bool
}

// read opens the partition and hands on what comes until that ends.
func (r *azReader) read(ctx context.Context) error {
	// This also finds out in time whether there is a hub at all: for the SDK, opening a partition
	// is part of waiting for its first event.
	info, err := r.hub.PartitionInfo(ctx, r.partition)
	if err != nil {
		return err
	}
	r.first = info.First
	consumer := r.hub.consumer
	if r.doubt {
		if consumer, err = r.hub.connect(sdkNoRetries); err != nil {
			return err
		}
		defer letGo(ctx, consumer.Close)
	}
	link, err := r.hub.open(consumer, r.partition, r.position)
	if err != nil {
		return err
	}
	defer letGo(ctx, link.Close)
	err = r.readFrom(ctx, link)
	if err != nil && strings.Contains(err.Error(), unreadable) {
		r.handOn(ctx, Event{Sequence: r.expected(), Unreadable: err.Error()})
		return errOpenAgain
	}
	return err
}

// readFrom fetches one event ahead of the one in hand, so that it learns of its displacement in a
// handler that blocks, too; but not before the events that the SDK holds, so that it may be the
// ownerships that tell.
func (r *azReader) readFrom(ctx context.Context, link *azeventhubs.PartitionClient) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	fetcher := azFetcher{
		hub: r.hub, partition: r.partition, link: link, endHandler: cancel,
		last: r.expected() - 1, doubt: r.doubt, startKnown: r.startKnown(),
		fetched: make(chan *azeventhubs.ReceivedEventData), ended: make(chan error, 1),
	}
	go fetcher.run(ctx)
	for {
		select {
		case event := <-fetcher.fetched:
			if err := r.take(ctx, event); err != nil {
				cancel()
				_ = fetcher.wait() // it only ends as it was told to
				return err
			}
		case err := <-fetcher.ended:
			return err
		case <-ctx.Done():
			return fetcher.wait()
		}
	}
}

// take hands an event on. It returns errDoubt where one should have come before it, and
// errOpenAgain where the SDK would go wrong behind it.
func (r *azReader) take(ctx context.Context, raw *azeventhubs.ReceivedEventData) error {
	event, numbered := r.eventOf(raw)
	switch {
	case event.Sequence <= r.position.Sequence:
		return nil
	case event.Sequence > r.expected() && r.startKnown() && !r.doubt:
		return errDoubt
	}
	r.handOn(ctx, event)
	if r.doubt || !numbered { // reconnecting, the SDK would go on behind event 0
		return errOpenAgain
	}
	return nil
}

// expected is the sequence number of the event that should come next.
func (r *azReader) expected() int64 { return max(r.position.Sequence+1, r.first) }

// startKnown is false while the first event of a time is being looked for.
func (r *azReader) startKnown() bool {
	return r.position.Sequence > noSequence || r.position.Since.IsZero()
}

// eventOf reads what the service says of an event. Sequence numbers grow by one, so that of an
// event without one follows from the last.
func (r *azReader) eventOf(raw *azeventhubs.ReceivedEventData) (event Event, numbered bool) {
	event = Event{Body: bodyOf(raw.RawAMQPMessage.Body), Sequence: raw.SequenceNumber, Offset: raw.Offset}
	if _, numbered = raw.RawAMQPMessage.MessageAnnotations["x-opt-sequence-number"]; !numbered {
		event.Sequence = r.expected()
	}
	if raw.EnqueuedTime != nil {
		event.Enqueued = *raw.EnqueuedTime
	}
	if properties := raw.RawAMQPMessage.Properties; properties != nil && properties.ContentEncoding != nil {
		event.Encoding = *properties.ContentEncoding
	}
	return event, numbered
}

// handOn gives an event to the handler. One that it was given too late counts as not handed on.
func (r *azReader) handOn(ctx context.Context, event Event) {
	if ctx.Err() != nil {
		return
	}
	r.handle(ctx, event)
	if ctx.Err() == nil {
		r.position = Position{Sequence: event.Sequence, Offset: event.Offset, Since: r.position.Since}
	}
}
