package hubclient

import (
	"context"
	"errors"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azeventhubs/v2"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/eventhub/hubclient/sdklog"
)

// errLinkHangs says that the SDK did not return after the end of its context.
var errLinkHangs = errors.New("the client did not close the partition")

// azFetcher fetches the events of an open partition for an azReader. It is one event ahead of the one in the handler.
type azFetcher struct {
	hub       *azEventHubs
	partition string
	link      *azeventhubs.PartitionClient
	// cancelReader ends the reader, and with it the handler, when another reader has the partition.
	cancelReader func()
	// last is the sequence number of the last event fetched.
	last int64
	// startKnown is false if the sequence number before the first event is not known.
	startKnown bool
	// verify is set until the last event has come once more.
	verify bool
	// opened counts how often the SDK has opened the partition. The SDK opens it a second time after the number of
	// the last event, which does not show whether the stream is still the same one.
	opened *sdklog.LinkWatch
	// withoutRetries is set if the partition was opened only to find out why an event did not come.
	withoutRetries bool

	fetched chan *azeventhubs.ReceivedEventData
	// ended gets one error, after the last event.
	ended chan error
}

// run fetches events until a fetch fails.
func (f *azFetcher) run(ctx context.Context) {
	for {
		event, err := f.next(ctx)
		if displaced(err) {
			f.cancelReader()
		}
		if err != nil {
			f.ended <- err
			return
		}
		select {
		case f.fetched <- event:
			f.last, f.startKnown, f.verify = event.SequenceNumber, true, false
		case <-ctx.Done():
			f.ended <- ctx.Err()
			return
		}
	}
}

// wait waits for the end of run after the end of its context. It stops waiting after eventhub.CloseTimeout, because
// the SDK ignores the context while it waits for a lock, such as the one around the authorisation of another
// partition.
func (f *azFetcher) wait() error {
	select {
	case err := <-f.ended:
		return err
	case <-time.After(eventhub.CloseTimeout):
		return errLinkHangs
	}
}

// displaced tells whether err means that another reader took the partition.
func displaced(err error) bool {
	var sdk *azeventhubs.Error
	return errors.As(err, &sdk) && sdk.Code == azeventhubs.ErrorCodeOwnershipLost
}

// next waits for the event after last. It requests one event at a time: the SDK waits until it has all requested
// events, and drops the good ones too if one cannot be converted (partition_client.go:162).
func (f *azFetcher) next(ctx context.Context) (*azeventhubs.ReceivedEventData, error) {
	for {
		waiting, cancel := context.WithTimeout(ctx, f.hub.quiet)
		events, err := f.link.ReceiveEvents(waiting, 1, nil)
		// The SDK compares the clock with the deadline. On a busy machine, the deadline passes before the context
		// ends.
		quiet := ctx.Err() == nil && (waiting.Err() != nil || errors.Is(err, context.DeadlineExceeded))
		cancel()
		switch {
		case len(events) == 0 && !quiet:
			return nil, err
		case f.opened.Opened() > 1:
			return nil, errReopen
		case len(events) > 0:
			return events[0], nil
		case f.opened.Opened() == 0:
			return nil, errNotAttached
		case f.verify:
			return nil, errLastMissing
		}
		if err := f.checkQuiet(ctx); err != nil {
			return nil, err
		}
	}
}

// checkQuiet asks the hub whether the partition holds an event that did not come.
func (f *azFetcher) checkQuiet(ctx context.Context) error {
	info, err := f.hub.PartitionInfo(ctx, f.partition)
	switch missing := info.Last - max(f.last, info.First-1); {
	case err != nil:
		return err
	case missing <= 0 || !f.startKnown:
		return nil
	case f.withoutRetries:
		return errEventWithheld
	default:
		return errEventMissing
	}
}
