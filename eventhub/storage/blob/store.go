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

// blobStore keeps ownerships and checkpoints as empty blobs with metadata, in the layout of
// Azure's current SDKs, and dead letters as blobs beside them.
type Store struct {
	Container Container
	Scope     eventhub.Scope
}

// The metadata keys of Azure's current SDKs (azeventhubs/v2 checkpoints/blob_store.go).
const (
	MetaSequence = "sequencenumber"
	MetaOffset   = "offset"
	MetaOwner    = "ownerid"
)

func (b *Store) ListOwnerships(ctx context.Context) ([]eventhub.Ownership, time.Time, error) {
	folder := b.Scope.Path() + eventhub.OwnershipFolder
	blobs, now, err := b.Container.list(ctx, folder)
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("list ownerships: %w", err)
	}
	ownerships := make([]eventhub.Ownership, 0, len(blobs))
	for _, blob := range blobs {
		ownerships = append(ownerships, eventhub.Ownership{
			Partition: strings.TrimPrefix(blob.name, folder),
			Owner:     blob.metadata[MetaOwner],
			Renewed:   blob.modified,
			Version:   string(blob.Etag),
		})
	}
	return ownerships, now, nil
}

func (b *Store) Claim(ctx context.Context, ownership eventhub.Ownership) (eventhub.Ownership, error) {
	name := b.Scope.Path() + eventhub.OwnershipFolder + ownership.Partition
	metadata := azblob.Metadata{MetaOwner: ownership.Owner}
	written, err := b.Container.WriteMetadata(ctx, name, metadata, azblob.ETag(ownership.Version))
	if err != nil {
		return eventhub.Ownership{}, fmt.Errorf("claim partition %s: %w", ownership.Partition, err)
	}
	ownership.Version, ownership.Renewed = string(written.Etag), written.modified
	return ownership, nil
}

// checkpointOf reads a checkpoint's metadata. One without a usable sequence number counts as
// "nothing read yet": what is read twice is a nuisance, what is skipped is lost.
func checkpointOf(blob blobEntry, partition string) eventhub.Checkpoint {
	checkpoint := eventhub.Checkpoint{Partition: partition, Sequence: eventhub.NoSequence, Version: string(blob.Etag)}
	sequence, err := strconv.ParseInt(blob.metadata[MetaSequence], 10, 64)
	if err != nil || sequence < 0 {
		return checkpoint
	}
	checkpoint.Sequence, checkpoint.Offset = sequence, blob.metadata[MetaOffset]
	return checkpoint
}

func (b *Store) UpdateCheckpoint(ctx context.Context, checkpoint eventhub.Checkpoint) (eventhub.Checkpoint, error) {
	metadata := azblob.Metadata{
		MetaSequence: strconv.FormatInt(checkpoint.Sequence, 10),
		MetaOffset:   checkpoint.Offset,
	}
	name := b.checkpointName(checkpoint.Partition)
	written, err := b.Container.WriteMetadata(ctx, name, metadata, azblob.ETag(checkpoint.Version))
	if err != nil {
		return eventhub.Checkpoint{}, fmt.Errorf("update checkpoint of partition %s: %w", checkpoint.Partition, err)
	}
	checkpoint.Version = string(written.Etag)
	return checkpoint, nil
}

func (b *Store) checkpointName(partition string) string {
	return b.Scope.Path() + eventhub.CheckpointFolder + partition
}

func (b *Store) Close() error {
	b.Container.close()
	return nil
}

func Open(cfg forwarder.Config) (*Store, error) {
	var tokens *azauth.TokenSource
	if cfg.Blob.Entra {
		credential, err := azauth.NewCredential()
		if err != nil {
			return nil, err
		}
		tokens = azauth.NewTokenSource(azauth.StorageResource, credential)
	}
	container, err := newBlobContainer(*cfg.Blob, cfg.BlobContainerName, tokens)
	if err != nil {
		return nil, fmt.Errorf("open blob container: %w", err)
	}
	return &Store{Container: container, Scope: eventhub.ScopeOf(cfg)}, nil
}
