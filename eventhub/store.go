package eventhub

import (
	"context"
	"io"
	"time"
)

// Store is all that a consumer keeps outside the process.
type Store interface {
	CheckpointStore
	DeadLetterStore
	io.Closer
}

// Records is what the commands see and change of a store, beside a daemon that may be using it.
type Records interface {
	// ListOwnerships is that of CheckpointStore.
	ListOwnerships(ctx context.Context) ([]Ownership, time.Time, error)
	// FindCheckpoints returns each checkpoint that stands anywhere for this consumer group,
	// those that cannot be read included.
	FindCheckpoints(ctx context.Context) ([]FoundCheckpoint, error)
	DeadLetterRecords
	io.Closer
}

var ()
