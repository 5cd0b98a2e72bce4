package eventhub

import (
	"context"
	"errors"
	"io"
	"time"
)

// Store is all that a consumer keeps outside the process.
type Store interface {
	CheckpointStore
	DeadLetterStore
	io.Closer
}

// CheckpointStore keeps the ownership and the checkpoint of each partition for the readers of one consumer group.
type CheckpointStore interface {
	// ListOwnerships returns every ownership, including the expired ones, and the time by the clock of the store. The
	// age of an ownership is judged by that time, because the clocks of the replicas may differ.
	ListOwnerships(ctx context.Context) ([]Ownership, time.Time, error)
	// Claim takes or renews a partition, or relinquishes it if Owner is empty. It fails with ErrConflict if the
	// ownership has changed since it was listed, and with ErrNotFound if it was deleted. The next renewal needs the
	// ownership that Claim returns.
	Claim(ctx context.Context, ownership Ownership) (Ownership, error)
	// ListCheckpoints returns the checkpoint of each partition that has one. Of several, the one that was written last
	// counts.
	ListCheckpoints(ctx context.Context) ([]Checkpoint, error)
	// UpdateCheckpoint writes the position of a partition. It writes nothing and fails with ErrConflict if somebody
	// else has written it since the given checkpoint was listed or updated, or with ErrNotFound if it was deleted
	// since. The next update needs the checkpoint that UpdateCheckpoint returns.
	UpdateCheckpoint(ctx context.Context, checkpoint Checkpoint) (Checkpoint, error)
	// RememberPartitions stores the partitions that the hub has when the consumer group reads it for the first time,
	// unless some are stored already. It returns those that are stored.
	RememberPartitions(ctx context.Context, partitions []string) ([]string, error)
}

// ErrConflict means that somebody else changed an ownership, a checkpoint or a dead letter first.
var ErrConflict = errors.New("another process changed it first")

// Records is what the commands read and change in a store, also while a daemon uses it.
type Records interface {
	// ListOwnerships is ListOwnerships of CheckpointStore.
	ListOwnerships(ctx context.Context) ([]Ownership, time.Time, error)
	// FindCheckpoints returns every checkpoint of this consumer group, including those that cannot be read.
	FindCheckpoints(ctx context.Context) ([]FoundCheckpoint, error)
	DeadLetterRecords
	io.Closer
}
