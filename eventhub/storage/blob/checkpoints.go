package blob

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"aks-audit-log-go/eventhub"
)

// FindCheckpoints returns the checkpoints of all SDKs. Blob names are case-sensitive, and the SDKs spell the path
// differently: Go, Java and Rust write it as it was typed, the others in lower case. So FindCheckpoints looks at all
// spellings. For partitions without such a checkpoint, it reads the lease blobs of the retired Go SDK at the
// container's root.
func (s *Store) FindCheckpoints(ctx context.Context) ([]eventhub.FoundCheckpoint, error) {
	paths, root, err := s.spellings(ctx)
	if err != nil {
		return nil, fmt.Errorf("list checkpoints: %w", err)
	}
	var found []eventhub.FoundCheckpoint
	known := map[string]bool{}
	for _, path := range paths {
		folder := path + eventhub.CheckpointFolder
		blobs, listErr := s.container.list(ctx, folder)
		if listErr != nil {
			return nil, fmt.Errorf("list checkpoints: %w", listErr)
		}
		for _, blob := range blobs {
			checkpoint := readCheckpoint(blob, strings.TrimPrefix(blob.name, folder))
			found = append(found, eventhub.FoundCheckpoint{Checkpoint: checkpoint, Place: blob.name, Written: blob.modified})
			known[checkpoint.Partition] = true
		}
	}
	leases, err := s.findLeases(ctx, root, known)
	if err != nil {
		return nil, fmt.Errorf("list checkpoints: %w", err)
	}
	return append(found, leases...), nil
}

// spellings returns the paths that match the scope in any case, and the blobs at the container's root.
func (s *Store) spellings(ctx context.Context) (paths []string, root []entry, err error) {
	paths = []string{""}
	for _, segment := range []string{s.scope.Namespace, s.scope.Hub, s.scope.ConsumerGroup} {
		var next []string
		for _, path := range paths {
			folders, blobs, err := s.container.listLevel(ctx, path)
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
func (s *Store) findLeases(ctx context.Context, root []entry, known map[string]bool) ([]eventhub.FoundCheckpoint, error) {
	var found []eventhub.FoundCheckpoint
	for _, blob := range root {
		if known[blob.name] || !isPartitionID(blob.name) || blob.size > maxLeaseSize {
			continue
		}
		content, _, err := s.container.get(ctx, blob.name, maxLeaseSize)
		if errors.Is(err, eventhub.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read the lease blob of partition %s: %w", blob.name, err)
		}
		found = append(found, eventhub.FoundCheckpoint{Checkpoint: readLease(content, blob.name), Place: blob.name, Written: blob.modified})
	}
	return found, nil
}

// readCheckpoint reads a checkpoint's metadata. A checkpoint without a usable sequence number counts as "nothing read
// yet": it is better to read events twice than to skip and lose them.
func readCheckpoint(blob entry, partition string) eventhub.Checkpoint {
	checkpoint := eventhub.Checkpoint{Partition: partition, Sequence: eventhub.NoSequence, Version: string(blob.etag)}
	sequence, err := strconv.ParseInt(blob.metadata[metaSequence], 10, 64)
	if err != nil || sequence < 0 {
		return checkpoint
	}
	checkpoint.Sequence, checkpoint.Offset = sequence, blob.metadata[metaOffset]
	if enqueued, err := strconv.ParseInt(blob.metadata[metaEnqueued], 10, 64); err == nil {
		checkpoint.Enqueued = time.UnixMilli(enqueued).UTC()
	}
	return checkpoint
}

// ListCheckpoints returns the checkpoint to use for each partition. Its version is the version of the blob that this
// store writes. If that blob does not exist, the version is empty, so that an update creates the blob.
func (s *Store) ListCheckpoints(ctx context.Context) ([]eventhub.Checkpoint, error) {
	found, err := s.FindCheckpoints(ctx)
	if err != nil {
		return nil, err
	}
	var checkpoints []eventhub.Checkpoint
	versions := map[string]string{}
	for _, one := range found {
		if one.Place == s.checkpointName(one.Partition) {
			versions[one.Partition] = one.Version
		}
	}
	for _, latest := range eventhub.LatestCheckpoints(found) {
		checkpoint := latest.Checkpoint
		checkpoint.Version = versions[checkpoint.Partition]
		checkpoints = append(checkpoints, checkpoint)
	}
	return checkpoints, nil
}
