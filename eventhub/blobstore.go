package eventhub

import (
	"bytes"
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

// ListCheckpoints finds the checkpoints of every SDK. They disagree on the spelling of the path
// (Go, Java and Rust write it as it was typed, the others in lower case) and blob names are
// case-sensitive, so it walks all spellings and takes the furthest checkpoint of each partition.
func (b *blobStore) ListCheckpoints(ctx context.Context) ([]Checkpoint, error) {
	paths, err := b.spellings(ctx)
	if err != nil {
		return nil, fmt.Errorf("list checkpoints: %w", err)
	}
	furthest := map[string]Checkpoint{}
	for _, path := range paths {
		blobs, _, err := b.container.list(ctx, path+checkpointFolder)
		if err != nil {
			return nil, fmt.Errorf("list checkpoints: %w", err)
		}
		for _, blob := range blobs {
			b.merge(furthest, blob, strings.TrimPrefix(blob.name, path+checkpointFolder))
		}
	}
	checkpoints := make([]Checkpoint, 0, len(furthest))
	for _, checkpoint := range furthest {
		checkpoints = append(checkpoints, checkpoint)
	}
	return checkpoints, nil
}

// spellings returns the paths that mean the scope, whatever their case.
func (b *blobStore) spellings(ctx context.Context) ([]string, error) {
	paths := []string{""}
	for _, segment := range []string{b.scope.Namespace, b.scope.Hub, b.scope.ConsumerGroup} {
		var next []string
		for _, path := range paths {
			folders, err := b.container.folders(ctx, path)
			if err != nil {
				return nil, err
			}
			for _, folder := range folders {
				if strings.EqualFold(folder, path+segment+"/") {
					next = append(next, folder)
				}
			}
		}
		paths = next
	}
	return paths, nil
}

// merge keeps the further of two checkpoints of a partition. The version is always that of the
// blob that this store writes, or none, so that an update creates it.
func (b *blobStore) merge(furthest map[string]Checkpoint, blob blobEntry, partition string) {
	found := checkpointOf(blob, partition)
	known, seen := furthest[partition]
	if !seen {
		known = Checkpoint{Partition: partition, Sequence: noSequence}
	}
	if found.Sequence > known.Sequence {
		known.Sequence, known.Offset = found.Sequence, found.Offset
	}
	if blob.name == b.checkpointName(partition) {
		known.version = string(blob.etag)
	}
	furthest[partition] = known
}

// checkpointOf reads a checkpoint's metadata. One without a usable sequence number counts as
// "nothing read yet": what is read twice is a nuisance, what is skipped is lost.
func checkpointOf(blob blobEntry, partition string) Checkpoint {
	checkpoint := Checkpoint{Partition: partition, Sequence: noSequence}
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

func (b *blobStore) StoreDeadLetter(ctx context.Context, letter DeadLetter) error {
	encoded, err := letter.encode()
	if err != nil {
		return err
	}
	name := b.scope.path() + deadLetterFolder + letter.name()
	if err := b.container.put(ctx, name, bytes.NewReader(encoded), "application/json"); err != nil {
		return fmt.Errorf("store dead letter %s: %w", letter.name(), err)
	}
	return nil
}

func (b *blobStore) Close() error {
	b.container.close()
	return nil
}
