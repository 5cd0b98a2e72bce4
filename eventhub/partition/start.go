package partition

import (
	"context"
	"errors"
	"fmt"
	"time"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/forwarder"
)

// start is where a partition begins to be read, and why.
type startPoint struct {
	Position eventhub.Position
	// reason says it to the operator.
	reason string
	// surprising is set where the reason is not what an operator would expect.
	unexpected bool
	// checkpoint is set where the position has to be recorded before anything is read: it was
	// made of "now" or of a time, and would be another one after a restart.
	record bool
}

// findStart decides where to begin: at the checkpoint, if there is one, or else where the
// operator wants it.
func findStart(ctx context.Context, hub eventhub.Hub, partition string, stored *eventhub.Checkpoint, wanted forwarder.StartPosition) (startPoint, error) {
	info, err := hub.PartitionInfo(ctx, partition)
	if err != nil {
		return startPoint{}, err
	}
	if stored != nil {
		return StartAtCheckpoint(*stored, info), nil
	}
	switch {
	case wanted.Kind == forwarder.StartEarliest:
		return startPoint{Position: eventhub.Beginning(), reason: "no checkpoint: from the oldest event"}, nil
	case wanted.Kind == forwarder.StartAtTime && info.Last > eventhub.NoSequence && info.LastEnqueued.After(wanted.Time):
		return startAtTime(ctx, hub, partition, wanted.Time)
	default:
		// A time behind the newest event means the same as latest. No SDK is ever told "latest":
		// each says it again when it reconnects, and what came in between would be lost.
		return startPoint{
			Position: eventhub.Position{Sequence: info.Last, Offset: info.LastOffset},
			reason:   "no checkpoint: behind the newest event",
			record:   true,
		}, nil
	}
}

func StartAtCheckpoint(stored eventhub.Checkpoint, info eventhub.PartitionInfo) startPoint {
	position := eventhub.Position{Sequence: stored.Sequence, Offset: stored.Offset}
	switch {
	case stored.Sequence == eventhub.NoSequence:
		return startPoint{Position: eventhub.Beginning(), reason: "the checkpoint names no event: from the oldest event"}
	case stored.Sequence > info.Last:
		// The event hub was deleted and made anew, under the same name.
		return startPoint{Position: eventhub.Beginning(), unexpected: true,
			reason: fmt.Sprintf("the checkpoint, %d, lies beyond the newest event, %d: from the oldest event", stored.Sequence, info.Last)}
	case stored.Sequence+1 < info.First:
		return startPoint{Position: eventhub.Position{Sequence: stored.Sequence}, unexpected: true,
			reason: fmt.Sprintf("retention has removed %d events behind the checkpoint: from the oldest event", info.First-stored.Sequence-1)}
	case stored.Sequence == info.Last:
		position.Offset = info.LastOffset
	}
	if stored.FromLease {
		return startPoint{Position: position, unexpected: true,
			reason: "there is no checkpoint but a lease blob of the retired SDK, which does not say of which event hub: behind that"}
	}
	return startPoint{Position: position, reason: "behind the checkpoint"}
}

// errNoEventSince says that the event behind a start time did not come.
var errNoEventSince = errors.New("no event behind the start time has come")

// startAtTime asks for the first event behind the time, to get its sequence number.
func startAtTime(ctx context.Context, hub eventhub.Hub, partition string, since time.Time) (startPoint, error) {
	ctx, cancel := context.WithTimeout(ctx, eventhub.ConnectTimeout)
	defer cancel()
	first, seen := int64(0), false
	err := hub.Receive(ctx, partition, eventhub.Position{Sequence: eventhub.NoSequence, Since: since}, func(_ context.Context, event eventhub.Event) {
		if !seen {
			first, seen = event.Sequence, true
		}
		cancel()
	})
	if err == nil && !seen {
		err = errNoEventSince
	}
	if err != nil {
		return startPoint{}, fmt.Errorf("find the first event after %s: %w", since.Format(time.RFC3339), err)
	}
	return startPoint{
		Position: eventhub.Position{Sequence: first - 1, Since: since},
		reason:   "no checkpoint: from the first event after " + since.Format(time.RFC3339),
		record:   true,
	}, nil
}
