package eventhub

import (
	"context"
	"errors"
	"strings"
	"time"

	"aks-audit-log-go/forwarder"
)

// ownershipExpiry is how long an owner that does not renew keeps its partitions: six missed
// renewals. Azure's own processors use the same, and share partitions with us where they run.
const OwnershipExpiry = time.Minute

// CheckpointStore keeps, for the readers of one consumer group, who owns which partition and
// how far each partition has been read.
type CheckpointStore interface {
	// ListOwnerships returns every ownership on record, expired ones included, and the store's
	// own idea of now, by which their age is to be judged: the clocks of replicas may differ.
	ListOwnerships(ctx context.Context) ([]Ownership, time.Time, error)
	// Claim takes, renews or (with an empty Owner) gives up a partition. It does so only if the
	// ownership is still as the given one was listed, and fails with ErrLostRace otherwise. The
	// ownership returned is the one to renew next time.
	Claim(ctx context.Context, ownership Ownership) (Ownership, error)
	// ListCheckpoints returns the furthest checkpoint found for each partition that has one.
	ListCheckpoints(ctx context.Context) ([]Checkpoint, error)
	// UpdateCheckpoint records a partition's position, only if nobody else has since the given
	// one was listed or updated: otherwise it writes nothing and fails with ErrLostRace.
	// The checkpoint returned is the one to update next time.
	UpdateCheckpoint(ctx context.Context, checkpoint Checkpoint) (Checkpoint, error)
}

// ErrLostRace says that somebody else changed an ownership or a checkpoint first.
var ErrConflict = errors.New("somebody else changed it first")

// Ownership says which reader owns a partition.
type Ownership struct {
	// Partition is the partition's id.
	Partition string
	// Owner is the id of the reader; empty when it gave the partition up.
	Owner string
	// Renewed is when it was last written, by the store's clock.
	Renewed time.Time
	// version is what the store compares before it writes; "" before the first write.
	Version string
}

// Checkpoint says how far a partition has been read: the event named and all before it have
// their verdict.
type Checkpoint struct {
	// Partition is the partition's id.
	Partition string
	// Sequence is the sequence number of that event; noSequence where the store holds something
	// for the partition that cannot be read.
	Sequence int64
	// Offset is the offset of that event. Newer .NET SDKs leave it empty.
	Offset string
	// fromLease is set where it was found in a lease blob of the retired SDK.
	FromLease bool
	// version is what the store compares before it writes; "" before the first write.
	Version string
}

// Scope names the readers that share partitions: those of one consumer group of one event hub.
type Scope struct {
	// Namespace is the host name of the Event Hubs namespace, without a port.
	Namespace string
	// Hub is the name of the event hub.
	Hub string
	// ConsumerGroup is the name of the consumer group.
	ConsumerGroup string
}

// ScopeOf returns the scope that a configuration describes.
func ScopeOf(cfg forwarder.Config) Scope {
	return Scope{
		Namespace:     cfg.HubConnection.Namespace(),
		Hub:           cfg.HubName,
		ConsumerGroup: cfg.ConsumerGroup,
	}
}

// path is where the scope's own records stand: in lower case, as the .NET, JavaScript and
// Python SDKs write them, with a slash at the end.
func (s Scope) Path() string {
	return strings.ToLower(s.Namespace + "/" + s.Hub + "/" + s.ConsumerGroup + "/")
}

// The folders under a scope's path. The first two are the layout of Azure's own blob checkpoint
// stores (azeventhubs/v2 checkpoints/blob_store.go).
const (
	CheckpointFolder = "checkpoint/"
	OwnershipFolder  = "ownership/"
	DeadLetterFolder = "deadletter/"
)

// FoundCheckpoint is one of the checkpoints that stand in a store for a partition.
type FoundCheckpoint struct {
	Checkpoint
	// Place is where it stands: the name of its blob, or the path of its file.
	Place string
}

// Readable tells whether it names an event.
func (f FoundCheckpoint) Readable() bool { return f.Sequence > NoSequence }

// furthestCheckpoints picks one checkpoint for each partition, in the order in which the partitions
// were found.
func FurthestCheckpoints(found []FoundCheckpoint) []FoundCheckpoint {
	var furthest []FoundCheckpoint
	index := map[string]int{}
	for _, one := range found {
		at, seen := index[one.Partition]
		switch {
		case !seen:
			index[one.Partition] = len(furthest)
			furthest = append(furthest, one)
		case Further(one, furthest[at]):
			furthest[at] = one
		}
	}
	return furthest
}

// further tells whether a counts rather than b. Of two for the same event, it is the one that has
// its offset.
func Further(a, b FoundCheckpoint) bool {
	return a.Sequence > b.Sequence || a.Sequence == b.Sequence && a.Offset != "" && b.Offset == ""
}
