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

// CheckpointStore keeps the ownership and the checkpoint of each partition for one consumer group.
type CheckpointStore interface {
	// ListOwnerships returns every ownership, expired ones too, and the store's time. The age of an ownership is
	// judged by that time, because the clocks of replicas differ.
	ListOwnerships(ctx context.Context) ([]Ownership, time.Time, error)
	// Claim takes or renews a partition, or relinquishes it if Owner is empty. It fails with ErrConflict if the
	// ownership has changed since it was listed, and with ErrNotFound if it was deleted. The next renewal needs the
	// returned ownership.
	Claim(ctx context.Context, ownership Ownership) (Ownership, error)
	// ListCheckpoints returns the checkpoint of each partition that has one: of several, the one written last.
	ListCheckpoints(ctx context.Context) ([]Checkpoint, error)
	// UpdateCheckpoint writes the position of a partition. It writes nothing and fails with ErrConflict if the
	// checkpoint has changed since it was listed or updated, or with ErrNotFound if it was deleted. The next update
	// needs the returned checkpoint.
	UpdateCheckpoint(ctx context.Context, checkpoint Checkpoint) (Checkpoint, error)
	// RememberPartitions stores the partitions of the hub when the consumer group first reads it, unless some are
	// stored already. It returns the stored ones.
	RememberPartitions(ctx context.Context, partitions []string) ([]string, error)
}

// ErrConflict means that another process changed an ownership, a checkpoint or a dead letter first.
var ErrConflict = errors.New("another process changed it first")

// Records is what the commands read and change in a store, also while a daemon uses it.
type Records interface {
	// ListOwnerships is ListOwnerships of CheckpointStore.
	ListOwnerships(ctx context.Context) ([]Ownership, time.Time, error)
	// FindCheckpoints returns every checkpoint of this consumer group, unreadable ones too.
	FindCheckpoints(ctx context.Context) ([]FoundCheckpoint, error)
	DeadLetterRecords
	io.Closer
}
