package eventhub

import "time"

// Checkpoint says how far a partition has been read: this event and all before it have their verdict.
type Checkpoint struct {
	// Partition is the id of the partition.
	Partition string
	// Sequence is the sequence number of the event. It is NoSequence if the store holds something for the partition
	// that cannot be read.
	Sequence int64
	// Offset is the offset of the event. Newer .NET SDKs leave it empty.
	Offset string
	// Enqueued is when the service accepted the event, in whole milliseconds. It is zero in a checkpoint that another
	// program wrote.
	Enqueued time.Time
	// FromLease reports whether the checkpoint was found in a lease blob of the retired SDK.
	FromLease bool
	// Version is what the store compares before it writes, "" before the first write.
	Version string
}

// Position returns the position that the checkpoint stands for.
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
	// Place is the name of its blob, or the path of its file.
	Place string
	// Written is when it was written, by the clock of the store. A blob's is in whole seconds.
	Written time.Time
}

// Readable reports whether the checkpoint names an event.
func (f FoundCheckpoint) Readable() bool { return f.Sequence > NoSequence }

// LatestCheckpoints returns the checkpoint of each partition that counts, in the order in which the partitions were
// found.
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

// Later reports whether of two checkpoints of a partition a counts and b does not: the one that was written last
// counts. The further one may be from an event hub that was deleted since. One that cannot be read never counts. If
// both were written at the same time, the further one counts, and if both name the same event, the one that has its
// offset.
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
