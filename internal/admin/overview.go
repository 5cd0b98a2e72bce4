package admin

import (
	"context"
	"slices"
	"time"

	"github.com/maruel/natural"

	"aks-audit-log-go/eventhub"
	partitionpkg "aks-audit-log-go/eventhub/partition"
	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/internal/check"
)

// overview is all that is known of a consumer group's partitions, from the store and from the hub.
type overview struct {
	// partitions are the ids, in their order.
	partitions []string
	// found are the checkpoints of each partition, the one that counts first.
	found      map[string][]eventhub.FoundCheckpoint
	ownerships map[string]eventhub.Ownership
	// now is the store's idea of it, by which ownerships are judged.
	now time.Time
	// hub is what the hub says; what it did not say is missing.
	hub map[string]eventhub.PartitionInfo
	// hubError is why something is missing.
	hubError error
}

// lookAround asks the store and then the hub. A hub that cannot be asked is no error here.
func lookAround(ctx context.Context, records eventhub.Records, hub eventhub.Hub) (*overview, error) {
	found, err := records.FindCheckpoints(ctx)
	if err != nil {
		return nil, err
	}
	listed, now, err := records.ListOwnerships(ctx)
	if err != nil {
		return nil, err
	}
	s := &overview{found: map[string][]eventhub.FoundCheckpoint{}, ownerships: map[string]eventhub.Ownership{}, now: now}
	ids := map[string]bool{}
	for _, one := range found {
		s.found[one.Partition] = append(s.found[one.Partition], one)
		ids[one.Partition] = true
	}
	for _, ownership := range listed {
		s.ownerships[ownership.Partition] = ownership
		ids[ownership.Partition] = true
	}
	s.hub, s.hubError = check.AskHub(ctx, hub)
	for id := range s.hub {
		ids[id] = true
	}
	for id := range ids {
		s.partitions = append(s.partitions, id)
		s.putFurthestFirst(id)
	}
	slices.SortFunc(s.partitions, natural.Compare)
	return s, nil
}

// putFurthestFirst sorts the checkpoints of a partition, so that the one that counts is the first.
func (s *overview) putFurthestFirst(partition string) {
	slices.SortStableFunc(s.found[partition], func(a, b eventhub.FoundCheckpoint) int {
		switch {
		case eventhub.Further(a, b):
			return -1
		case eventhub.Further(b, a):
			return 1
		}
		return 0
	})
}

// checkpoint is the one that counts for a partition, nil where there is none.
func (s *overview) checkpoint(partition string) *eventhub.FoundCheckpoint {
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
	done := eventhub.NoSequence
	if stored := s.checkpoint(partition); stored != nil {
		done = partitionpkg.PositionAfter(stored.Checkpoint, info).Sequence
	} else if wanted.Kind != forwarder.StartEarliest {
		return 0, false
	}
	return max(0, info.Last-max(done, info.First-1)), true
}

// owner is who owns a partition, as far as that has not expired.
func (s *overview) owner(partition string) string {
	ownership := s.ownerships[partition]
	if s.now.Sub(ownership.Renewed) >= eventhub.OwnershipExpiry {
		return ""
	}
	return ownership.Owner
}
