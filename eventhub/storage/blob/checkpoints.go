package blob

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"aks-audit-log-go/eventhub"
)

// FindCheckpoints finds the checkpoints of every SDK. They disagree on the spelling of the path
// (Go, Java and Rust write it as it was typed, the others in lower case) and blob names are
// case-sensitive, so it walks all spellings. What the retired Go SDK keeps at the container's root
// is read for the partitions that have no other checkpoint.
func (b *Store) FindCheckpoints(ctx context.Context) ([]eventhub.FoundCheckpoint, error) {
	paths, root, err := b.spellings(ctx)
	if err != nil {
		return nil, fmt.Errorf("list checkpoints: %w", err)
	}
	var found []eventhub.FoundCheckpoint
	known := map[string]bool{}
	for _, path := range paths {
		blobs, _, listErr := b.Container.list(ctx, path+eventhub.CheckpointFolder)
		if listErr != nil {
			return nil, fmt.Errorf("list checkpoints: %w", listErr)
		}
		for _, blob := range blobs {
			checkpoint := checkpointOf(blob, strings.TrimPrefix(blob.name, path+eventhub.CheckpointFolder))
			found = append(found, eventhub.FoundCheckpoint{Checkpoint: checkpoint, Place: blob.name})
			known[checkpoint.Partition] = true
		}
	}
	leases, err := b.findLeases(ctx, root, known)
	if err != nil {
		return nil, fmt.Errorf("list checkpoints: %w", err)
	}
	return append(found, leases...), nil
}

// spellings returns the paths that mean the scope, whatever their case, and the blobs that stand
// at the container's root.
func (b *Store) spellings(ctx context.Context) (paths []string, root []blobEntry, err error) {
	paths = []string{""}
	for _, segment := range []string{b.Scope.Namespace, b.Scope.Hub, b.Scope.ConsumerGroup} {
		var next []string
		for _, path := range paths {
			folders, blobs, err := b.Container.Level(ctx, path)
			if err != nil {
				return nil, nil, err
			}
			if path == "" {
				root = blobs
			}
			for _, folder := range folders {
				if strings.EqualFold(folder, path+segment+"/") {
					next = append(next, folder)
				}
			}
		}
		paths = next
	}
	return paths, root, nil
}

// findLeases reads the retired SDK's leases of the partitions that are not known yet.
func (b *Store) findLeases(ctx context.Context, root []blobEntry, known map[string]bool) ([]eventhub.FoundCheckpoint, error) {
	var found []eventhub.FoundCheckpoint
	for _, blob := range root {
		if known[blob.name] || !isPartitionID(blob.name) || blob.size > maxLeaseSize {
			continue
		}
		content, _, err := b.Container.Get(ctx, blob.name, maxLeaseSize)
		if errors.Is(err, eventhub.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read the lease blob of partition %s: %w", blob.name, err)
		}
		found = append(found, eventhub.FoundCheckpoint{Checkpoint: leaseCheckpoint(content, blob.name), Place: blob.name})
	}
	return found, nil
}

// ListCheckpoints takes the furthest checkpoint of each partition. Its version is that of the blob
// that this store writes, or none, so that an update creates it.
func (b *Store) ListCheckpoints(ctx context.Context) ([]eventhub.Checkpoint, error) {
	found, err := b.FindCheckpoints(ctx)
	if err != nil {
		return nil, err
	}
	var checkpoints []eventhub.Checkpoint
	versions := map[string]string{}
	for _, one := range found {
		if one.Place == b.checkpointName(one.Partition) {
			versions[one.Partition] = one.Version
		}
	}
	for _, furthest := range eventhub.FurthestCheckpoints(found) {
		checkpoint := furthest.Checkpoint
		checkpoint.Version = versions[checkpoint.Partition]
		checkpoints = append(checkpoints, checkpoint)
	}
	return checkpoints, nil
}
