package eventhub

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azeventhubs/v2"

	"aks-audit-log-go/forwarder"
)

const (
	// quietTimeout is how long an event is waited for before the hub is asked whether it is
	// still there: nothing else tells a quiet partition from one whose link never came about.
	quietTimeout = 30 * time.Second
	// sdkRetries and sdkRetryDelay are how the SDK tries again by itself. One retry reconnects;
	// for more the caller has its own pauses. Without any, the SDK's renewal of its
	// authorisation, which never gives up, would try without a pause (namespace.go:419).
	sdkRetries    = 1
	sdkRetryDelay = time.Second
)

// azEventHubs is the Hub on github.com/Azure/azure-sdk-for-go/sdk/messaging/azeventhubs/v2.
type azEventHubs struct {
	// consumer has one connection for all partitions and questions.
	consumer *azeventhubs.ConsumerClient
	prefetch int
}

var _ Hub = (*azEventHubs)(nil)

// newAzEventHubs does not connect yet.
func newAzEventHubs(cfg forwarder.Config) (*azEventHubs, error) {
	trust, err := hubTLS(cfg)
	if err != nil {
		return nil, err
	}
	options := &azeventhubs.ConsumerClientOptions{
		ApplicationID: "aks-audit-log-go",
		// The service names it to a reader that this one displaces.
		InstanceID:   readerID(),
		TLSConfig:    trust,
		RetryOptions: azeventhubs.RetryOptions{MaxRetries: sdkRetries, RetryDelay: sdkRetryDelay, MaxRetryDelay: sdkRetryDelay},
	}
	if cfg.HubTransport == forwarder.TransportWebSocket {
		dialer := webSocketDialer{tls: trust, plain: cfg.HubConnection.Emulator, proxy: environmentProxy}
		options.NewWebSocketConn = dialer.dial
	}
	consumer, err := azeventhubs.NewConsumerClientFromConnectionString(hubConnectionString(cfg), cfg.HubName, cfg.ConsumerGroup, options)
	if err != nil {
		return nil, fmt.Errorf("set up the event hub client: %w", err)
	}
	return &azEventHubs{consumer: consumer, prefetch: cfg.HubPrefetch}, nil
}

// open makes the client of a partition. It connects with the first event that is asked for.
func (a *azEventHubs) open(partition string, from Position) (*azeventhubs.PartitionClient, error) {
	// The lowest epoch: a new owner's link displaces the old one's, as in Azure's own
	// processors, so that a partition never has two readers.
	epoch := int64(0)
	link, err := a.consumer.NewPartitionClient(partition, &azeventhubs.PartitionClientOptions{
		StartPosition: sdkPosition(from),
		OwnerLevel:    &epoch,
		Prefetch:      int32(a.prefetch), // #nosec G115 -- Load bounds it
	})
	if err != nil {
		return nil, fmt.Errorf("set up the partition's client: %w", err)
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
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	info, err := a.consumer.GetEventHubProperties(ctx, nil)
	if err != nil {
		return nil, fmt.Errorf("ask the event hub for its partitions: %w", explain(err))
	}
	return info.PartitionIDs, nil
}

func (a *azEventHubs) PartitionInfo(ctx context.Context, partition string) (PartitionInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	info, err := a.askAbout(ctx, partition)
	if connectionLost(err) && a.mendQuestions(ctx) == nil {
		info, err = a.askAbout(ctx, partition)
	}
	if err != nil {
		return PartitionInfo{}, fmt.Errorf("ask the event hub about partition %s: %w", partition, explain(err))
	}
	return PartitionInfo{
		First:        info.BeginningSequenceNumber,
		Last:         info.LastEnqueuedSequenceNumber,
		LastOffset:   info.LastEnqueuedOffset,
		LastEnqueued: info.LastEnqueuedOn,
	}, nil
}

// askAbout is bounded by ctx here: the SDK waits for the answer for as long as the connection
// lives (mgmt.go, getPartitionPropertiesInternal).
func (a *azEventHubs) askAbout(ctx context.Context, partition string) (azeventhubs.PartitionProperties, error) {
	var answer azeventhubs.PartitionProperties
	if err := within(ctx, func() (err error) {
		answer, err = a.consumer.GetPartitionProperties(ctx, partition, nil)
		return err
	}); err != nil {
		return azeventhubs.PartitionProperties{}, err // answer is not to be looked at: the call may go on
	}
	return answer, nil
}

// mendQuestions has the SDK make its link for questions anew. Asked about a partition it never
// does, however often the question fails: it translates the error (mgmt.go) before it looks for
// what it has to mend (links_recover.go). Asked about the hub, over the same link, it does.
func (a *azEventHubs) mendQuestions(ctx context.Context) error {
	_, err := a.consumer.GetEventHubProperties(ctx, nil)
	return err
}

func connectionLost(err error) bool {
	var sdk *azeventhubs.Error
	return errors.As(err, &sdk) && sdk.Code == azeventhubs.ErrorCodeConnectionLost
}

func (a *azEventHubs) Receive(ctx context.Context, partition string, from Position, handle Handler) error {
	reader := &azReader{hub: a, partition: partition, position: from, handle: handle, doubted: noSequence - 1}
	for {
		err := reader.read(ctx)
		switch {
		case ctx.Err() != nil:
			return nil //nolint:nilerr // the caller ended it, that is no failure
		case errors.Is(err, errOpenAgain):
		case displaced(err):
			return ErrDisplaced
		default:
			// So does a reader with a higher epoch show that is there already: what the service
			// says as it refuses the link does not get through.
			return fmt.Errorf("receive from partition %s: %w", partition, explain(err))
		}
	}
}

// Close is bounded by ctx here, since the SDK pays no heed to it.
func (a *azEventHubs) Close(ctx context.Context) error {
	if err := within(ctx, func() error { return a.consumer.Close(ctx) }); err != nil {
		return fmt.Errorf("close the event hub client: %w", err)
	}
	return nil
}

// errOpenAgain says that the partition has to be opened again behind the reader's position, since
// the SDK does not know it.
var errOpenAgain = errors.New("the partition has to be opened again")

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
	// doubted is the position at which the partition was opened again because of a gap.
	doubted int64
}

// read opens the partition and hands on what comes until that ends. It fetches one event ahead of
// the one in hand, so that it learns of its displacement in a handler that blocks, too; but not
// before the events that the SDK holds, so that it may be the ownerships that tell.
func (r *azReader) read(ctx context.Context) error {
	// This also finds out in time whether there is a hub at all: for the SDK, opening a partition
	// is part of waiting for its first event.
	info, err := r.hub.PartitionInfo(ctx, r.partition)
	if err != nil {
		return err
	}
	r.first = info.First
	link, err := r.hub.open(r.partition, r.position)
	if err != nil {
		return err
	}
	defer closeLink(ctx, link)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	fetched := make(chan *azeventhubs.ReceivedEventData)
	ended := make(chan error, 1)
	go func() {
		defer close(fetched)
		ended <- r.fetch(ctx, cancel, link, fetched)
	}()
	for event := range fetched {
		if err = r.take(ctx, event); err != nil {
			cancel()
			break
		}
	}
	if failed := <-ended; err == nil {
		err = failed
	}
	if strings.Contains(err.Error(), unreadable) {
		r.handOn(ctx, Event{Sequence: r.expected(), Unreadable: err.Error()})
		return errOpenAgain
	}
	return err
}

// fetch gets events until that fails. Where another reader has the partition, it ends the handler.
func (r *azReader) fetch(ctx context.Context, endHandler func(), link *azeventhubs.PartitionClient, fetched chan<- *azeventhubs.ReceivedEventData) error {
	for {
		event, err := r.next(ctx, link)
		if displaced(err) {
			endHandler()
		}
		if err != nil {
			return err
		}
		select {
		case fetched <- event:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func displaced(err error) bool {
	var sdk *azeventhubs.Error
	return errors.As(err, &sdk) && sdk.Code == azeventhubs.ErrorCodeOwnershipLost
}

// next waits for one event. It never asks for more: the SDK waits until it has as many as it was
// asked for, and drops the good ones where one cannot be converted (partition_client.go:162).
func (r *azReader) next(ctx context.Context, link *azeventhubs.PartitionClient) (*azeventhubs.ReceivedEventData, error) {
	for {
		waiting, cancel := context.WithTimeout(ctx, quietTimeout)
		events, err := link.ReceiveEvents(waiting, 1, nil)
		quiet := waiting.Err() != nil && ctx.Err() == nil
		cancel()
		switch {
		case len(events) > 0:
			return events[0], nil
		case !quiet:
			return nil, err
		}
		if _, err := r.hub.PartitionInfo(ctx, r.partition); err != nil {
			return nil, err
		}
	}
}

// take hands an event on. It returns errOpenAgain where the partition has to be asked for what
// comes before it, or the SDK would go wrong behind it.
func (r *azReader) take(ctx context.Context, raw *azeventhubs.ReceivedEventData) error {
	event, numbered := r.eventOf(raw)
	left := event.Sequence - r.expected()
	switch {
	case event.Sequence <= r.position.Sequence:
		return nil
	case left > 0 && r.startKnown() && r.doubted != r.position.Sequence:
		r.doubted = r.position.Sequence
		return errOpenAgain
	case left == sdkRetries && r.startKnown():
		// The hub holds one that did not come, twice. So it is with one that the SDK cannot read:
		// it passes over it, once for each time that it tries again.
		r.handOn(ctx, Event{Sequence: r.expected(), Unreadable: "the client passed over it"})
	}
	r.handOn(ctx, event)
	if !numbered {
		return errOpenAgain // reconnecting, the SDK would go on behind event 0
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

// closeLink says good-bye, also when ctx has ended.
func closeLink(ctx context.Context, link *azeventhubs.PartitionClient) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	// What a link has to say when it is closed helps nobody: the service frees it either way.
	_ = link.Close(ctx)
}
