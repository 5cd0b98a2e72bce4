package eventhub

import (
	"context"
	"errors"
	"fmt"
	"time"

	"aks-audit-log-go/forwarder"
)

// start is where a partition begins to be read, and why.
type start struct {
	position Position
	// reason says it to the operator.
	reason string
	// surprising is set where the reason is not what an operator would expect.
	surprising bool
	// checkpoint is set where the position has to be recorded before anything is read: it was
	// made of "now" or of a time, and would be another one after a restart.
	checkpoint bool
}

// findStart decides where to begin: at the checkpoint, if there is one, or else where the
// operator wants it.
func findStart(ctx context.Context, hub Hub, partition string, stored *Checkpoint, wanted forwarder.StartPosition) (start, error) {
	info, err := hub.PartitionInfo(ctx, partition)
	if err != nil {
		return start{}, err
	}
	if stored != nil {
		return startAtCheckpoint(*stored, info), nil
	}
	switch {
	case wanted.Kind == forwarder.StartEarliest:
		return start{position: beginning(), reason: "no checkpoint: from the oldest event"}, nil
	case wanted.Kind == forwarder.StartAtTime && info.Last > noSequence && info.LastEnqueued.After(wanted.Time):
		return startAtTime(ctx, hub, partition, wanted.Time)
	default:
		// A time behind the newest event means the same as latest. No SDK is ever told "latest":
		// each says it again when it reconnects, and what came in between would be lost.
		return start{
			position:   Position{Sequence: info.Last, Offset: info.LastOffset},
			reason:     "no checkpoint: behind the newest event",
			checkpoint: true,
		}, nil
	}
}

func startAtCheckpoint(stored Checkpoint, info PartitionInfo) start {
	position := Position{Sequence: stored.Sequence, Offset: stored.Offset}
	switch {
	case stored.Sequence == noSequence:
		return start{position: beginning(), reason: "the checkpoint names no event: from the oldest event"}
	case stored.Sequence > info.Last:
		// The event hub was deleted and made anew, under the same name.
		return start{position: beginning(), surprising: true,
			reason: fmt.Sprintf("the checkpoint, %d, lies beyond the newest event, %d: from the oldest event", stored.Sequence, info.Last)}
	case stored.Sequence+1 < info.First:
		return start{position: Position{Sequence: stored.Sequence}, surprising: true,
			reason: fmt.Sprintf("retention has removed %d events behind the checkpoint: from the oldest event", info.First-stored.Sequence-1)}
	case stored.Sequence == info.Last:
		position.Offset = info.LastOffset
	}
	if stored.fromLease {
		return start{position: position, surprising: true,
			reason: "there is no checkpoint but a lease blob of the retired SDK, which does not say of which event hub: behind that"}
	}
	return start{position: position, reason: "behind the checkpoint"}
}

// errNoEventSince says that the event behind a start time did not come.
var errNoEventSince = errors.New("no event behind the start time has come")

// startAtTime asks for the first event behind the time, to get its sequence number.
func startAtTime(ctx context.Context, hub Hub, partition string, since time.Time) (start, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	first, seen := int64(0), false
	err := hub.Receive(ctx, partition, Position{Sequence: noSequence, Since: since}, func(_ context.Context, event Event) {
		if !seen {
			first, seen = event.Sequence, true
		}
		cancel()
	})
	if err == nil && !seen {
		err = errNoEventSince
	}
	if err != nil {
		return start{}, fmt.Errorf("find the first event after %s: %w", since.Format(time.RFC3339), err)
	}
	return start{
		position:   Position{Sequence: first - 1, Since: since},
		reason:     "no checkpoint: from the first event after " + since.Format(time.RFC3339),
		checkpoint: true,
	}, nil
}
