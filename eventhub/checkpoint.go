package eventhub

import "time"

// Checkpoint says how far a partition has been read: this event and all before it have their verdict.
type Checkpoint struct {
	Partition string
	// Sequence is the sequence number of the event, or NoSequence if the store holds something unreadable.
	Sequence int64
	// Offset is the offset of the event. Newer .NET SDKs leave it empty.
	Offset string
	// Enqueued is when the service accepted the event, in whole milliseconds. It is zero if another program wrote the
	// checkpoint.
	Enqueued time.Time
	// FromLease reports whether the checkpoint is from a lease blob of the retired SDK.
	FromLease bool
	// Version is what the store compares before it writes, "" before the first write.
	Version string
}

// Position returns the position after the event.
func (c Checkpoint) Position() Position {
	return Position{Sequence: c.Sequence, Offset: c.Offset, Enqueued: c.Enqueued}
}

// Is reports whether the checkpoint stands for that position.
func (c Checkpoint) Is(position Position) bool {
	return c.Sequence == position.Sequence && c.Offset == position.Offset && c.Enqueued.Equal(position.Enqueued)
}

// FoundCheckpoint is one of the checkpoints that a store holds for a partition.
type FoundCheckpoint struct {
	Checkpoint
	// Place is the name of the blob, or the path of the file.
	Place string
	// Written is when it was written, by the clock of the store; in whole seconds for a blob.
	Written time.Time
}

// Readable reports whether the checkpoint names an event.
func (f FoundCheckpoint) Readable() bool { return f.Sequence > NoSequence }

// LatestCheckpoints returns the checkpoint that counts of each partition, in the order found.
func LatestCheckpoints(found []FoundCheckpoint) []FoundCheckpoint {
	var latest []FoundCheckpoint
	index := map[string]int{}
	for _, checkpoint := range found {
		at, seen := index[checkpoint.Partition]
		switch {
		case !seen:
			index[checkpoint.Partition] = len(latest)
			latest = append(latest, checkpoint)
		case Later(checkpoint, latest[at]):
			latest[at] = checkpoint
		}
	}
	return latest
}

// Later reports whether a counts and b does not. The checkpoint that was written last counts: the further one may be
// from an event hub that was deleted since. An unreadable one never counts. If both were written at the same time, the
// further one counts, and for the same event the one with an offset.
func Later(a, b FoundCheckpoint) bool {
	switch {
	case a.Readable() != b.Readable():
		return a.Readable()
	case !a.Written.Equal(b.Written):
		return a.Written.After(b.Written)
	case a.Sequence != b.Sequence:
		return a.Sequence > b.Sequence
	default:
		return a.Offset != "" && b.Offset == ""
	}
}
