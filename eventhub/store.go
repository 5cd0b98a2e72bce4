package eventhub

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"aks-audit-log-go/forwarder"
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

var (
	_ Store   = (*blobStore)(nil)
	_ Store   = (*dirStore)(nil)
	_ Records = (*blobStore)(nil)
	_ Records = (*dirStore)(nil)
)

// OpenStore returns the store that the configuration asks for: the files of CHECKPOINTDIR, or
// the blobs of a container, which is created where it is missing and may be. A container that
// cannot be reached is no error here: the consumer goes on trying, and says so in /readyz.
func OpenStore(cfg forwarder.Config) (Store, error) {
	if cfg.CheckpointDir != "" {
		return openDirStore(cfg.CheckpointDir, ScopeOf(cfg))
	}
	return openBlobStore(cfg)
}

// OpenRecords returns what OpenStore stores. It makes no folder, and takes no lock, so that it
// works while a daemon runs.
func OpenRecords(cfg forwarder.Config) (Records, error) {
	if cfg.CheckpointDir == "" {
		return openBlobStore(cfg)
	}
	if _, err := os.ReadDir(cfg.CheckpointDir); err != nil {
		return nil, fmt.Errorf("open CHECKPOINTDIR: %w", err)
	}
	return &dirStore{root: cfg.CheckpointDir, scope: ScopeOf(cfg)}, nil
}

func openBlobStore(cfg forwarder.Config) (*blobStore, error) {
	var tokens *tokens
	if cfg.Blob.Entra {
		credential, err := newCredential()
		if err != nil {
			return nil, err
		}
		tokens = newTokens(storageService, credential)
	}
	container, err := newBlobContainer(*cfg.Blob, cfg.BlobContainerName, tokens)
	if err != nil {
		return nil, fmt.Errorf("open blob container: %w", err)
	}
	return &blobStore{container: container, scope: ScopeOf(cfg)}, nil
}
