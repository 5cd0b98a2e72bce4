package hubclient

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azeventhubs/v2"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/eventhub/hubclient/sdklog"
)

var (
	// errReopen says that the partition must be opened again at the reader's position, which the SDK does not know.
	errReopen = errors.New("the partition has to be opened again")
	// errEventMissing says that the hub holds an event that did not come. The SDK skips an event that it cannot
	// convert, without an error, once for each of its retries.
	errEventMissing = errors.New("an event did not come")
	// errLastMissing says that the last event did not come again. It may have been removed, or the hub may be a
	// different one.
	errLastMissing = errors.New("the last event did not come again")
	// errNotAttached says that the service does not answer the request to open the partition.
	errNotAttached = fmt.Errorf("the hub has not opened the partition: no answer in time: %w", context.DeadlineExceeded)
	// errEventWithheld says that the event did not come without retries either.
	errEventWithheld = errors.New("the event hub holds an event but does not deliver it")
)

// unreadable is part of the SDK's error for an event whose annotations have other types than it expects
// (event_data.go). The SDK does not return the event.
const unreadable = "cannot be converted to"

// azReader passes the events of a partition from the SDK to a Handler. It remembers the last event that it handed on.
// Where the SDK would continue at a wrong place, azReader opens the partition again after that event.
type azReader struct {
	hub       *azEventHubs
	partition string
	receiver  eventhub.Receiver
	position  eventhub.Position
	// byTime is set if the last event was not found. The partition is then opened at that event's time, until an
	// event is handed on.
	byTime bool
	// verify is set while the partition is open at its last event and that event has not come yet.
	verify bool
	// first is the sequence number of the oldest event that the hub held just before the partition was opened.
	first int64
	// withoutRetries opens the partition for a single event without retries. The SDK then has to report an event that
	// it cannot convert.
	withoutRetries bool
}

// read opens the partition, and hands on its events until the link ends.
func (r *azReader) read(ctx context.Context) error {
	// This request also finds out in time whether the hub exists: the SDK opens a partition only while it waits for
	// the first event.
	info, err := r.hub.PartitionInfo(ctx, r.partition)
	if err != nil {
		return err
	}
	r.first = info.First
	consumer := r.hub.consumer
	if r.withoutRetries {
		if consumer, err = r.hub.connect(sdkNoRetries); err != nil {
			return err
		}
		defer closeQuietly(ctx, consumer.Close)
	}
	r.verify = r.knowsLast() && !r.byTime
	link, err := r.hub.open(consumer, r.partition, r.start())
	if err != nil {
		return err
	}
	defer closeQuietly(ctx, link.Close)
	err = r.readLink(ctx, link)
	if err != nil && strings.Contains(err.Error(), unreadable) {
		r.handOn(ctx, eventhub.Event{Sequence: r.expected(), Unreadable: err.Error()})
		return errReopen
	}
	return err
}

// readLink fetches one event ahead of the one in the handler, so that it notices a displacement while the handler
// blocks. It sees the displacement only after the events that the SDK has buffered, so the ownerships may show it
// first.
func (r *azReader) readLink(ctx context.Context, link *azeventhubs.PartitionClient) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	opened := sdklog.WatchLinks(r.partition, r.receiver.NoteAttached)
	defer opened.Forget()
	fetcher := azFetcher{
		hub: r.hub, partition: r.partition, link: link, cancelReader: cancel,
		last: r.expected() - 1, withoutRetries: r.withoutRetries, startKnown: r.startKnown(), verify: r.verify, opened: opened,
		fetched: make(chan *azeventhubs.ReceivedEventData), ended: make(chan error, 1),
	}
	go fetcher.run(ctx)
	for {
		select {
		case event := <-fetcher.fetched:
			if err := r.accept(ctx, event); err != nil {
				cancel()
				_ = fetcher.wait() // its error says only that it was cancelled
				return err
			}
		case err := <-fetcher.ended:
			return err
		case <-ctx.Done():
			return fetcher.wait()
		}
	}
}

// accept hands an event on. It returns errEventMissing if another event should have come before it. It returns
// errReopen if the SDK would continue at a wrong event, or if another event came where it expected the last one once
// more.
func (r *azReader) accept(ctx context.Context, received *azeventhubs.ReceivedEventData) error {
	event, numbered := r.convert(received)
	if r.verify {
		r.verify = false
		if r.position.Names(event) {
			return nil
		}
		r.byTime = true
		return errReopen
	}
	switch {
	case r.position.Passed(eventhub.After(event)):
		return nil
	case event.Sequence > r.expected() && r.startKnown() && !r.withoutRetries:
		return errEventMissing
	}
	r.handOn(ctx, event)
	if r.withoutRetries || !numbered { // after a reconnect, the SDK would continue after event 0
		return errReopen
	}
	return nil
}

// expected returns the sequence number of the event that should come next.
func (r *azReader) expected() int64 { return max(r.position.Sequence+1, r.first) }

// startKnown is false while the reader looks for the first event after a time.
func (r *azReader) startKnown() bool {
	return !r.byTime && (r.position.Sequence > eventhub.NoSequence || r.position.Since.IsZero())
}

// knowsLast reports whether the last event is known by more than its number.
func (r *azReader) knowsLast() bool { return !r.position.Enqueued.IsZero() }

// start returns where to open the partition. If the last event is known, that is the place: the event comes once
// more, and shows that the stream is the same. The offset is preferred, because a sequence number does not name an
// event reliably in a namespace that is replicated to other regions (.NET SDK, EventProcessor.CheckpointPosition).
// start never returns the latest event: after a reconnect the SDK would start there again, and lose the events in
// between.
func (r *azReader) start() azeventhubs.StartPosition {
	last := r.position
	switch {
	case !r.knowsLast():
		return sdkPosition(last)
	case r.byTime:
		return azeventhubs.StartPosition{EnqueuedTime: &last.Enqueued, Inclusive: true}
	case last.Offset != "":
		return azeventhubs.StartPosition{Offset: &last.Offset, Inclusive: true}
	default:
		return azeventhubs.StartPosition{SequenceNumber: &last.Sequence, Inclusive: true}
	}
}

// positionRefused reports whether the service refuses the number or the offset of the last event. It does so if no
// event has that number or offset yet. The SDK has no code for this error.
func (r *azReader) positionRefused(err error) bool {
	return r.knowsLast() && !r.byTime && strings.Contains(err.Error(), "com.microsoft:argument-error")
}

// convert reads an event of the SDK. If the event has no sequence number, numbered is false and convert derives the
// number from the last event's: sequence numbers grow by one.
func (r *azReader) convert(received *azeventhubs.ReceivedEventData) (event eventhub.Event, numbered bool) {
	event = eventOf(received)
	if _, numbered = received.RawAMQPMessage.MessageAnnotations["x-opt-sequence-number"]; !numbered {
		event.Sequence = r.expected()
		if r.verify {
			event.Sequence = r.position.Sequence
		}
	}
	return event, numbered
}

// eventOf converts an event of the SDK.
func eventOf(received *azeventhubs.ReceivedEventData) eventhub.Event {
	event := eventhub.Event{Body: bodyOf(received.RawAMQPMessage.Body), Sequence: received.SequenceNumber, Offset: received.Offset}
	if received.EnqueuedTime != nil {
		event.Enqueued = *received.EnqueuedTime
	}
	if properties := received.RawAMQPMessage.Properties; properties != nil && properties.ContentEncoding != nil {
		event.Encoding = *properties.ContentEncoding
	}
	return event
}

// handOn calls the handler. An event that the handler got after the end of ctx counts as not handed on.
func (r *azReader) handOn(ctx context.Context, event eventhub.Event) {
	if ctx.Err() != nil {
		return
	}
	r.receiver.Handle(ctx, event)
	if ctx.Err() == nil {
		r.position, r.byTime = r.position.Next(event), false
	}
}
