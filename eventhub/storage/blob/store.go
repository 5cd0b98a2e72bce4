package blob

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/Azure/azure-storage-blob-go/azblob"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/eventhub/azauth"
	"aks-audit-log-go/forwarder"
)

// Store keeps ownerships and checkpoints as empty blobs with metadata, in the layout of Azure's current SDKs. It
// keeps dead letters as blobs beside them.
type Store struct {
	container container
	scope     eventhub.Scope
}

// These are metadata keys of Azure's current SDKs (azeventhubs/v2 checkpoints/blob_store.go), and one key of this
// daemon.
const (
	metaSequence = "sequencenumber"
	metaOffset   = "offset"
	metaOwner    = "ownerid"
	// metaEnqueued is when the event was enqueued, in milliseconds since 1970. The SDKs and KEDA ignore it.
	metaEnqueued = "enqueuedtimems"
)

// Open returns the store in the container that the configuration names. It does not connect yet.
func Open(cfg forwarder.Config) (*Store, error) {
	var tokens *azauth.TokenSource
	if cfg.Blob.Entra {
		credential, err := azauth.NewCredential()
		if err != nil {
			return nil, err
		}
		tokens = azauth.NewTokenSource(azauth.StorageResource, credential)
	}
	c, err := openContainer(*cfg.Blob, cfg.BlobContainerName, tokens)
	if err != nil {
		return nil, fmt.Errorf("open blob container: %w", err)
	}
	return &Store{container: c, scope: eventhub.ScopeOf(cfg)}, nil
}

// ListOwnerships implements eventhub.CheckpointStore. It creates the container if it does not exist.
func (s *Store) ListOwnerships(ctx context.Context) ([]eventhub.Ownership, time.Time, error) {
	folder := s.scope.Path() + eventhub.OwnershipFolder
	blobs, now, err := s.container.listOrCreate(ctx, folder)
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("list ownerships: %w", err)
	}
	ownerships := make([]eventhub.Ownership, 0, len(blobs))
	for _, blob := range blobs {
		ownerships = append(ownerships, eventhub.Ownership{
			Partition: strings.TrimPrefix(blob.name, folder),
			Owner:     blob.metadata[metaOwner],
			Renewed:   blob.modified,
			Version:   string(blob.etag),
		})
	}
	return ownerships, now, nil
}

// Claim implements eventhub.CheckpointStore.
func (s *Store) Claim(ctx context.Context, ownership eventhub.Ownership) (eventhub.Ownership, error) {
	name := s.scope.Path() + eventhub.OwnershipFolder + ownership.Partition
	metadata := azblob.Metadata{metaOwner: ownership.Owner}
	written, err := s.container.writeMetadata(ctx, name, metadata, azblob.ETag(ownership.Version))
	if err != nil {
		return eventhub.Ownership{}, fmt.Errorf("claim partition %s: %w", ownership.Partition, err)
	}
	ownership.Version, ownership.Renewed = string(written.etag), written.modified
	return ownership, nil
}

// UpdateCheckpoint implements eventhub.CheckpointStore.
func (s *Store) UpdateCheckpoint(ctx context.Context, checkpoint eventhub.Checkpoint) (eventhub.Checkpoint, error) {
	updated, err := s.writeCheckpoint(ctx, s.checkpointName(checkpoint.Partition), checkpoint)
	if err != nil {
		return eventhub.Checkpoint{}, fmt.Errorf("update checkpoint of partition %s: %w", checkpoint.Partition, err)
	}
	return updated, nil
}

// WriteCheckpointAt writes a checkpoint to a blob of another name, for readers that look for it there. That blob must
// still have the checkpoint's version, or must not exist if the version is empty. Otherwise WriteCheckpointAt fails
// with eventhub.ErrConflict.
func (s *Store) WriteCheckpointAt(ctx context.Context, name string, checkpoint eventhub.Checkpoint) error {
	_, err := s.writeCheckpoint(ctx, name, checkpoint)
	return err
}

// writeCheckpoint writes a checkpoint if the blob still has its version, and returns it with the new version.
func (s *Store) writeCheckpoint(ctx context.Context, name string, checkpoint eventhub.Checkpoint) (eventhub.Checkpoint, error) {
	metadata := azblob.Metadata{
		metaSequence: strconv.FormatInt(checkpoint.Sequence, 10),
		metaOffset:   checkpoint.Offset,
	}
	if !checkpoint.Enqueued.IsZero() {
		metadata[metaEnqueued] = strconv.FormatInt(checkpoint.Enqueued.UnixMilli(), 10)
	}
	written, err := s.container.writeMetadata(ctx, name, metadata, azblob.ETag(checkpoint.Version))
	if err != nil {
		return eventhub.Checkpoint{}, err
	}
	checkpoint.Version = string(written.etag)
	return checkpoint, nil
}

func (s *Store) checkpointName(partition string) string {
	return s.scope.Path() + eventhub.CheckpointFolder + partition
}

// ServerTime returns the storage service's time, in whole seconds, and this machine's time at the same moment. It
// needs no authorization.
func (s *Store) ServerTime(ctx context.Context) (theirs, ours time.Time, err error) {
	return s.container.serverTime(ctx)
}

// Close implements io.Closer.
func (s *Store) Close() error {
	s.container.close()
	return nil
}
