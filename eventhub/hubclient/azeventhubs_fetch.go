package hubclient

import (
	"context"
	"errors"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azeventhubs/v2"

	"aks-audit-log-go/eventhub"
)

// azFetcher gets the events of an open partition for an azReader, one ahead of what that hands on.
type azFetcher struct {
	hub       *azEventHubs
	partition string
	link      *azeventhubs.PartitionClient
	// endHandler is called when another reader has the partition.
	endHandler func()
	// last is the sequence number of the last event fetched; startKnown is false where the one
	// before the first is not known.
	last       int64
	startKnown bool
	// doubt is set where the partition was opened to learn why an event did not come.
	doubt bool

	fetched chan *azeventhubs.ReceivedEventData
	// ended gets one error, behind the last event.
	ended chan error
}

// run fetches until that fails.
func (f *azFetcher) run(ctx context.Context) {
	for {
		event, err := f.next(ctx)
		if displaced(err) {
			f.endHandler()
		}
		if err != nil {
			f.ended <- err
			return
		}
		select {
		case f.fetched <- event:
			f.last = event.SequenceNumber
		case <-ctx.Done():
			f.ended <- ctx.Err()
			return
		}
	}
}

// wait is for after the end of ctx. It does not wait for ever: the SDK pays no heed to ctx while
// it waits for a lock, such as that around the authorisation of another partition.
func (f *azFetcher) wait() error {
	select {
	case err := <-f.ended:
		return err
	case <-time.After(eventhub.CloseTimeout):
		return errLeft
	}
}

var errLeft = errors.New("the client did not let go of the partition")

func displaced(err error) bool {
	var sdk *azeventhubs.Error
	return errors.As(err, &sdk) && sdk.Code == azeventhubs.ErrorCodeOwnershipLost
}

// next waits for the event behind last. It never asks for more than one: the SDK waits until it
// has as many as it was asked for, and drops the good ones where one cannot be converted
// (partition_client.go:162).
func (f *azFetcher) next(ctx context.Context) (*azeventhubs.ReceivedEventData, error) {
	for {
		waiting, cancel := context.WithTimeout(ctx, f.hub.quiet)
		events, err := f.link.ReceiveEvents(waiting, 1, nil)
		quiet := waiting.Err() != nil && ctx.Err() == nil
		cancel()
		switch {
		case len(events) > 0:
			return events[0], nil
		case !quiet:
			return nil, err
		}
		if err := f.checkLink(ctx); err != nil {
			return nil, err
		}
	}
}

// askWhether asks the hub whether it is right that no event comes.
func (f *azFetcher) checkLink(ctx context.Context) error {
	info, err := f.hub.PartitionInfo(ctx, f.partition)
	switch held := info.Last - max(f.last, info.First-1); {
	case err != nil:
		return err
	case held <= 0 || !f.startKnown:
		return nil
	case f.doubt:
		return errHeldBack
	default:
		return errDoubt
	}
}
