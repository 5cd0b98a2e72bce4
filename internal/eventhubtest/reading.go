package eventhubtest

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aks-audit-log-go/eventhub"
)

// Reading is a running call of Receive.
type Reading struct {
	// Events has the events, one at a time: Receive waits until the test takes the event.
	Events chan eventhub.Event
	// Done gets the error that Receive returns.
	Done chan error
	// Cancel cancels the context of Receive.
	Cancel context.CancelFunc
}

// StartReading starts Receive. It ends when the test ends.
func StartReading(t *testing.T, hub eventhub.Hub, partition string, from eventhub.Position) *Reading {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r := &Reading{Events: make(chan eventhub.Event), Done: make(chan error, 1), Cancel: cancel}
	go func() {
		r.Done <- hub.Receive(ctx, partition, from, eventhub.Receiver{Handle: func(ctx context.Context, event eventhub.Event) {
			select {
			case r.Events <- event:
			case <-ctx.Done():
			}
		}})
	}()
	t.Cleanup(cancel)
	return r
}

// Next returns the next event.
func (r *Reading) Next(t *testing.T) eventhub.Event {
	t.Helper()
	select {
	case event := <-r.Events:
		return event
	case err := <-r.Done:
		t.Fatalf("receiving ended: %v", err)
	case <-time.After(WaitLimit):
		t.Fatal("no event came")
	}
	return eventhub.Event{}
}

// Expect waits for events with exactly these sequence numbers, in this order.
func (r *Reading) Expect(t *testing.T, sequences ...int64) {
	t.Helper()
	for _, sequence := range sequences {
		require.Equal(t, sequence, r.Next(t).Sequence)
	}
}

// NextOrEnd returns the next event, or the error that ended Receive.
func (r *Reading) NextOrEnd(t *testing.T) (event eventhub.Event, ended error) {
	t.Helper()
	select {
	case event = <-r.Events:
		return event, nil
	case ended = <-r.Done:
		require.Error(t, ended, "receiving ended without a reason")
		return eventhub.Event{}, ended
	case <-time.After(WaitLimit):
		t.Fatal("neither an event came nor did receiving end")
		return eventhub.Event{}, nil
	}
}

// End waits until Receive ends, and returns its error.
func (r *Reading) End(t *testing.T) error {
	t.Helper()
	select {
	case err := <-r.Done:
		return err
	case <-time.After(WaitLimit):
		t.Fatal("receiving did not end")
		return nil
	}
}

// Stop cancels the context of Receive, which must return no error.
func (r *Reading) Stop(t *testing.T) {
	t.Helper()
	r.Cancel()
	require.NoError(t, r.End(t))
}
