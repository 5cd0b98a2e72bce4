package eventhub

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/Azure/azure-storage-blob-go/azblob"
)

// blobStore keeps ownerships and checkpoints as empty blobs with metadata, in the layout of
// Azure's current SDKs, and dead letters as blobs beside them.
type blobStore struct {
	container blobContainer
	scope     Scope
}

// The metadata keys of Azure's current SDKs (azeventhubs/v2 checkpoints/blob_store.go).
const (
	metaSequence = "sequencenumber"
	metaOffset   = "offset"
	metaOwner    = "ownerid"
)

func (b *blobStore) ListOwnerships(ctx context.Context) ([]Ownership, time.Time, error) {
	folder := b.scope.path() + ownershipFolder
	blobs, now, err := b.container.list(ctx, folder)
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("list ownerships: %w", err)
	}
	ownerships := make([]Ownership, 0, len(blobs))
	for _, blob := range blobs {
		ownerships = append(ownerships, Ownership{
			Partition: strings.TrimPrefix(blob.name, folder),
			Owner:     blob.metadata[metaOwner],
			Renewed:   blob.modified,
			version:   string(blob.etag),
		})
	}
	return ownerships, now, nil
}

func (b *blobStore) Claim(ctx context.Context, ownership Ownership) (Ownership, error) {
	name := b.scope.path() + ownershipFolder + ownership.Partition
	metadata := azblob.Metadata{metaOwner: ownership.Owner}
	written, err := b.container.writeMetadata(ctx, name, metadata, azblob.ETag(ownership.version))
	if err != nil {
		return Ownership{}, fmt.Errorf("claim partition %s: %w", ownership.Partition, err)
	}
	ownership.version, ownership.Renewed = string(written.etag), written.modified
	return ownership, nil
}

// checkpointOf reads a checkpoint's metadata. One without a usable sequence number counts as
// "nothing read yet": what is read twice is a nuisance, what is skipped is lost.
func checkpointOf(blob blobEntry, partition string) Checkpoint {
	checkpoint := Checkpoint{Partition: partition, Sequence: noSequence, version: string(blob.etag)}
	sequence, err := strconv.ParseInt(blob.metadata[metaSequence], 10, 64)
	if err != nil || sequence < 0 {
		return checkpoint
	}
	checkpoint.Sequence, checkpoint.Offset = sequence, blob.metadata[metaOffset]
	return checkpoint
}

func (b *blobStore) UpdateCheckpoint(ctx context.Context, checkpoint Checkpoint) (Checkpoint, error) {
	metadata := azblob.Metadata{
		metaSequence: strconv.FormatInt(checkpoint.Sequence, 10),
		metaOffset:   checkpoint.Offset,
	}
	name := b.checkpointName(checkpoint.Partition)
	written, err := b.container.writeMetadata(ctx, name, metadata, azblob.ETag(checkpoint.version))
	if err != nil {
		return Checkpoint{}, fmt.Errorf("update checkpoint of partition %s: %w", checkpoint.Partition, err)
	}
	checkpoint.version = string(written.etag)
	return checkpoint, nil
}

func (b *blobStore) checkpointName(partition string) string {
	return b.scope.path() + checkpointFolder + partition
}

func (b *blobStore) Close() error {
	b.container.close()
	return nil
}
