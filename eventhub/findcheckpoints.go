package eventhub

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// FoundCheckpoint is one of the checkpoints that stand in a store for a partition.
type FoundCheckpoint struct {
	Checkpoint
	// Place is where it stands: the name of its blob, or the path of its file.
	Place string
}

// Readable tells whether it names an event.
func (f FoundCheckpoint) Readable() bool { return f.Sequence > noSequence }

// FindCheckpoints finds the checkpoints of every SDK. They disagree on the spelling of the path
// (Go, Java and Rust write it as it was typed, the others in lower case) and blob names are
// case-sensitive, so it walks all spellings. What the retired Go SDK keeps at the container's root
// is read for the partitions that have no other checkpoint.
func (b *blobStore) FindCheckpoints(ctx context.Context) ([]FoundCheckpoint, error) {
	paths, root, err := b.spellings(ctx)
	if err != nil {
		return nil, fmt.Errorf("list checkpoints: %w", err)
	}
	var found []FoundCheckpoint
	known := map[string]bool{}
	for _, path := range paths {
		blobs, _, listErr := b.container.list(ctx, path+checkpointFolder)
		if listErr != nil {
			return nil, fmt.Errorf("list checkpoints: %w", listErr)
		}
		for _, blob := range blobs {
			checkpoint := checkpointOf(blob, strings.TrimPrefix(blob.name, path+checkpointFolder))
			found = append(found, FoundCheckpoint{Checkpoint: checkpoint, Place: blob.name})
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
func (b *blobStore) spellings(ctx context.Context) (paths []string, root []blobEntry, err error) {
	paths = []string{""}
	for _, segment := range []string{b.scope.Namespace, b.scope.Hub, b.scope.ConsumerGroup} {
		var next []string
		for _, path := range paths {
			folders, blobs, err := b.container.level(ctx, path)
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
func (b *blobStore) findLeases(ctx context.Context, root []blobEntry, known map[string]bool) ([]FoundCheckpoint, error) {
	var found []FoundCheckpoint
	for _, blob := range root {
		if known[blob.name] || !isPartitionID(blob.name) || blob.size > maxLeaseSize {
			continue
		}
		content, _, err := b.container.get(ctx, blob.name, maxLeaseSize)
		if errors.Is(err, errNotThere) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read the lease blob of partition %s: %w", blob.name, err)
		}
		found = append(found, FoundCheckpoint{Checkpoint: leaseCheckpoint(content, blob.name), Place: blob.name})
	}
	return found, nil
}

// ListCheckpoints takes the furthest checkpoint of each partition. Its version is that of the blob
// that this store writes, or none, so that an update creates it.
func (b *blobStore) ListCheckpoints(ctx context.Context) ([]Checkpoint, error) {
	found, err := b.FindCheckpoints(ctx)
	if err != nil {
		return nil, err
	}
	var checkpoints []Checkpoint
	versions := map[string]string{}
	for _, one := range found {
		if one.Place == b.checkpointName(one.Partition) {
			versions[one.Partition] = one.version
		}
	}
	for _, furthest := range furthestCheckpoints(found) {
		checkpoint := furthest.Checkpoint
		checkpoint.version = versions[checkpoint.Partition]
		checkpoints = append(checkpoints, checkpoint)
	}
	return checkpoints, nil
}

// furthestCheckpoints picks one checkpoint for each partition, in the order in which the partitions
// were found.
func furthestCheckpoints(found []FoundCheckpoint) []FoundCheckpoint {
	var furthest []FoundCheckpoint
	index := map[string]int{}
	for _, one := range found {
		at, seen := index[one.Partition]
		switch {
		case !seen:
			index[one.Partition] = len(furthest)
			furthest = append(furthest, one)
		case further(one, furthest[at]):
			furthest[at] = one
		}
	}
	return furthest
}

// further tells whether a counts rather than b. Of two for the same event, it is the one that has
// its offset.
func further(a, b FoundCheckpoint) bool {
	return a.Sequence > b.Sequence || a.Sequence == b.Sequence && a.Offset != "" && b.Offset == ""
}
