package hubclient

import (
	"context"
	"errors"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azeventhubs/v2"

	"aks-audit-log-go/eventhub"
)

// errOpenAgain says that the partition has to be opened again behind the reader's position,
// since the SDK does not know it.
var errOpenAgain = errors.New("the partition has to be opened again")

// errDoubt says that the hub holds an event that did not come. An event that the SDK cannot
// convert is one that it passes over, without a word, once for each of its retries.
var errDoubt = errors.New("an event did not come")

// errHeldBack is what becomes of the doubt where the event does not come without retries either.
var errHeldBack = errors.New("the event hub holds an event but does not give it")

// unreadable is in what the SDK says of an event whose annotations have other types than it
// expects (event_data.go). It does not give the event.
const unreadable = "cannot be converted to"

// azReader stands between the SDK and a Handler: it remembers the last event handed on, from
// where it opens the partition again where the SDK would go wrong.
type azReader struct {
	hub       *azEventHubs
	partition string
	handle    eventhub.Handler
	position  eventhub.Position
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
		defer eventhub.CloseQuietly(ctx, consumer.Close)
	}
	link, err := r.hub.open(consumer, r.partition, r.position)
	if err != nil {
		return err
	}
	defer eventhub.CloseQuietly(ctx, link.Close)
	err = r.readFrom(ctx, link)
	if err != nil && strings.Contains(err.Error(), unreadable) {
		r.handOn(ctx, eventhub.Event{Sequence: r.expected(), Unreadable: err.Error()})
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
	return r.position.Sequence > eventhub.NoSequence || r.position.Since.IsZero()
}

// eventOf reads what the service says of an event. Sequence numbers grow by one, so that of an
// event without one follows from the last.
func (r *azReader) eventOf(raw *azeventhubs.ReceivedEventData) (event eventhub.Event, numbered bool) {
	event = eventhub.Event{Body: bodyOf(raw.RawAMQPMessage.Body), Sequence: raw.SequenceNumber, Offset: raw.Offset}
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
func (r *azReader) handOn(ctx context.Context, event eventhub.Event) {
	if ctx.Err() != nil {
		return
	}
	r.handle(ctx, event)
	if ctx.Err() == nil {
		r.position = eventhub.Position{Sequence: event.Sequence, Offset: event.Offset, Since: r.position.Since}
	}
}
