package eventhub

import (
	"fmt"
	"io"

	"aks-audit-log-go/forwarder"
)

// Store is all that a consumer keeps outside the process.
type Store interface {
	CheckpointStore
	DeadLetterStore
	io.Closer
}

var (
	_ Store = (*blobStore)(nil)
	_ Store = (*dirStore)(nil)
)

// OpenStore returns the store that the configuration asks for: the files of CHECKPOINTDIR, or
// the blobs of a container, which is created where it is missing and may be. A container that
// cannot be reached is no error here: the consumer goes on trying, and says so in /readyz.
func OpenStore(cfg forwarder.Config) (Store, error) {
	if cfg.CheckpointDir != "" {
		return openDirStore(cfg.CheckpointDir, ScopeOf(cfg))
	}
	container, err := newBlobContainer(*cfg.Blob, cfg.BlobContainerName)
	if err != nil {
		return nil, fmt.Errorf("open blob container: %w", err)
	}
	return &blobStore{container: container, scope: ScopeOf(cfg)}, nil
}
