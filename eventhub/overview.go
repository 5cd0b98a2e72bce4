package eventhub

import (
	"context"
	"errors"
	"slices"
	"time"

	"aks-audit-log-go/forwarder"
)

// overview is all that is known of a consumer group's partitions, from the store and from the hub.
type overview struct {
	// partitions are the ids, in their order.
	partitions []string
	// found are the checkpoints of each partition, the one that counts first.
	found      map[string][]FoundCheckpoint
	ownerships map[string]Ownership
	// now is the store's idea of it, by which ownerships are judged.
	now time.Time
	// hub is what the hub says; what it did not say is missing.
	hub map[string]PartitionInfo
	// hubError is why something is missing.
	hubError error
}

// lookAround asks the store and then the hub. A hub that cannot be asked is no error here.
func lookAround(ctx context.Context, records Records, hub Hub) (*overview, error) {
	found, err := records.FindCheckpoints(ctx)
	if err != nil {
		return nil, err
	}
	listed, now, err := records.ListOwnerships(ctx)
	if err != nil {
		return nil, err
	}
	s := &overview{found: map[string][]FoundCheckpoint{}, ownerships: map[string]Ownership{}, now: now}
	ids := map[string]bool{}
	for _, one := range found {
		s.found[one.Partition] = append(s.found[one.Partition], one)
		ids[one.Partition] = true
	}
	for _, ownership := range listed {
		s.ownerships[ownership.Partition] = ownership
		ids[ownership.Partition] = true
	}
	s.hub, s.hubError = askHub(ctx, hub)
	for id := range s.hub {
		ids[id] = true
	}
	for id := range ids {
		s.partitions = append(s.partitions, id)
		s.putFurthestFirst(id)
	}
	slices.SortFunc(s.partitions, compareNumbers)
	return s, nil
}

// askHub asks what each partition holds. It returns what it could find out, and why that is not all.
func askHub(ctx context.Context, hub Hub) (map[string]PartitionInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	ids, err := hub.PartitionIDs(ctx)
	if err != nil {
		return nil, err // which says what was asked
	}
	var failures error
	known := map[string]PartitionInfo{}
	for _, id := range ids {
		info, err := hub.PartitionInfo(ctx, id)
		if err != nil {
			failures = errors.Join(failures, err)
			continue
		}
		known[id] = info
	}
	return known, failures
}

// putFurthestFirst sorts the checkpoints of a partition, so that the one that counts is the first.
func (s *overview) putFurthestFirst(partition string) {
	slices.SortStableFunc(s.found[partition], func(a, b FoundCheckpoint) int {
		switch {
		case further(a, b):
			return -1
		case further(b, a):
			return 1
		}
		return 0
	})
}

// checkpoint is the one that counts for a partition, nil where there is none.
func (s *overview) checkpoint(partition string) *FoundCheckpoint {
	if len(s.found[partition]) == 0 {
		return nil
	}
	return &s.found[partition][0]
}

// lag is how many hub events of a partition wait for a reader that starts now. It is not known
// without the hub, nor for a partition where a reader would only decide where to start.
func (s *overview) lag(partition string, wanted forwarder.StartPosition) (events int64, known bool) {
	info, asked := s.hub[partition]
	if !asked {
		return 0, false
	}
	done := noSequence
	if stored := s.checkpoint(partition); stored != nil {
		done = startAtCheckpoint(stored.Checkpoint, info).position.Sequence
	} else if wanted.Kind != forwarder.StartEarliest {
		return 0, false
	}
	return max(0, info.Last-max(done, info.First-1)), true
}

// owner is who owns a partition, as far as that has not expired.
func (s *overview) owner(partition string) string {
	ownership := s.ownerships[partition]
	if s.now.Sub(ownership.Renewed) >= ownershipExpiry {
		return ""
	}
	return ownership.Owner
}
