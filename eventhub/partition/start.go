package partition

import (
	"context"
	"errors"
	"fmt"
	"time"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/forwarder"
)

// startPoint is where reading a partition starts, and why.
type startPoint struct {
	Position eventhub.Position
	// reason is shown to the operator.
	reason string
	// unexpected is whether the reason would surprise an operator.
	unexpected bool
	// record is whether the checkpoint must have the position before anything is read: it came from "now" or a time,
	// and would be different after a restart.
	record bool
	// info is what the partition held then.
	info eventhub.PartitionInfo
}

// findStart returns the start after the checkpoint, or without one the start that the operator wants.
func findStart(ctx context.Context, hub eventhub.Hub, partition string, stored *eventhub.Checkpoint,
	wanted forwarder.StartPosition,
) (startPoint, error) {
	info, err := hub.PartitionInfo(ctx, partition)
	if err != nil {
		return startPoint{}, err
	}
	start, err := chooseStart(ctx, hub, partition, stored, wanted, info)
	start.info = info
	return start, err
}

// chooseStart is findStart for a partition that holds info.
func chooseStart(ctx context.Context, hub eventhub.Hub, partition string, stored *eventhub.Checkpoint,
	wanted forwarder.StartPosition, info eventhub.PartitionInfo,
) (startPoint, error) {
	if stored != nil {
		return startAtCheckpoint(*stored, info), nil
	}
	switch {
	case wanted.Kind == forwarder.StartEarliest:
		return startPoint{Position: eventhub.Beginning(), reason: "no checkpoint: from the oldest event"}, nil
	case wanted.Kind == forwarder.StartAtTime && info.Last > eventhub.NoSequence && info.LastEnqueued.After(wanted.Time):
		return startAtTime(ctx, hub, partition, wanted.Time)
	default:
		// A time after the newest event means the same as latest. No SDK is ever told "latest": each asks for it again
		// when it reconnects, and the events in between would be lost.
		return startPoint{
			Position: info.Newest(),
			reason:   "no checkpoint: after the newest event",
			record:   true,
		}, nil
	}
}

// PositionAfter returns the position at which a partition that holds info continues after a checkpoint.
func PositionAfter(stored eventhub.Checkpoint, info eventhub.PartitionInfo) eventhub.Position {
	return startAtCheckpoint(stored, info).Position
}

func startAtCheckpoint(stored eventhub.Checkpoint, info eventhub.PartitionInfo) startPoint {
	position := stored.Position()
	switch {
	case stored.Sequence == eventhub.NoSequence:
		return startPoint{Position: eventhub.Beginning(), reason: "the checkpoint names no event: from the oldest event"}
	case !stored.Enqueued.IsZero() && (stored.Sequence > info.Last || position.OtherStream(info.Newest())):
		// Receive finds out whether the event is there, and what follows if it is not.
		return startPoint{Position: position, unexpected: true, reason: fmt.Sprintf("the checkpoint, %d of %s, is not in the stream that the hub holds, up to %d of %s: from the next event, or the first one enqueued after the checkpoint",
			stored.Sequence, stored.Enqueued.Format(time.RFC3339), info.Last, info.LastEnqueued.UTC().Format(time.RFC3339))}
	case stored.Sequence > info.Last:
		// The event hub was deleted and created again under the same name.
		return startPoint{Position: eventhub.Beginning(), unexpected: true,
			reason: fmt.Sprintf("the checkpoint, %d, lies beyond the newest event, %d: from the oldest event", stored.Sequence, info.Last)}
	case stored.Sequence+1 < info.First:
		return startPoint{Position: eventhub.Position{Sequence: stored.Sequence, Enqueued: stored.Enqueued}, unexpected: true,
			reason: fmt.Sprintf("retention has removed %d events after the checkpoint: from the oldest event", info.First-stored.Sequence-1)}
	case stored.Sequence == info.Last:
		position = info.Newest()
	}
	if stored.FromLease {
		return startPoint{Position: position, unexpected: true,
			reason: "no checkpoint, only a lease blob of the retired SDK, which does not name its event hub: after the position in the lease blob"}
	}
	return startPoint{Position: position, reason: "after the checkpoint"}
}

// errNoEventSince means that the first event after a start time did not come.
var errNoEventSince = errors.New("no event after the start time has arrived")

// startAtTime receives the first event after the time, to get its sequence number.
func startAtTime(ctx context.Context, hub eventhub.Hub, partition string, since time.Time) (startPoint, error) {
	ctx, cancel := context.WithTimeout(ctx, eventhub.ConnectTimeout)
	defer cancel()
	first, seen := int64(0), false
	from := eventhub.Position{Sequence: eventhub.NoSequence, Since: since}
	err := hub.Receive(ctx, partition, from, eventhub.Receiver{Handle: func(_ context.Context, event eventhub.Event) {
		if !seen {
			first, seen = event.Sequence, true
		}
		cancel()
	}})
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
