package eventhub

// Checkpoint says how far a partition has been read: this event and all before it have their verdict.
type Checkpoint struct {
	// Partition is the id of the partition.
	Partition string
	// Sequence is the sequence number of the event. It is NoSequence if the store holds something for the partition
	// that cannot be read.
	Sequence int64
	// Offset is the offset of the event. Newer .NET SDKs leave it empty.
	Offset string
	// FromLease reports whether the checkpoint was found in a lease blob of the retired SDK.
	FromLease bool
	// Version is what the store compares before it writes, "" before the first write.
	Version string
}

// FoundCheckpoint is one of the checkpoints that a store holds for a partition.
type FoundCheckpoint struct {
	Checkpoint
	// Place is the name of its blob, or the path of its file.
	Place string
}

// Readable reports whether the checkpoint names an event.
func (f FoundCheckpoint) Readable() bool { return f.Sequence > NoSequence }

// FurthestCheckpoints returns the furthest checkpoint of each partition, in the order in which the partitions were
// found.
func FurthestCheckpoints(found []FoundCheckpoint) []FoundCheckpoint {
	var furthest []FoundCheckpoint
	index := map[string]int{}
	for _, checkpoint := range found {
		at, seen := index[checkpoint.Partition]
		switch {
		case !seen:
			index[checkpoint.Partition] = len(furthest)
			furthest = append(furthest, checkpoint)
		case Further(checkpoint, furthest[at]):
			furthest[at] = checkpoint
		}
	}
	return furthest
}

// Further reports whether a counts and b does not. If both name the same event, the one that has its offset counts.
func Further(a, b FoundCheckpoint) bool {
	return a.Sequence > b.Sequence || a.Sequence == b.Sequence && a.Offset != "" && b.Offset == ""
}
