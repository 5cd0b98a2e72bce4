package admin

import (
	"context"
	"slices"
	"time"

	"github.com/maruel/natural"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/eventhub/hubclient"
	partitionpkg "aks-audit-log-go/eventhub/partition"
	"aks-audit-log-go/forwarder"
)

// overview is what the store and the hub know about the partitions of a consumer group.
type overview struct {
	// partitions are the ids of the partitions, in their order.
	partitions []string
	// found are the checkpoints of each partition, the one that counts first.
	found      map[string][]eventhub.FoundCheckpoint
	ownerships map[string]eventhub.Ownership
	// now is the time by the store's clock. It decides whether ownerships have expired.
	now time.Time
	// hub is what the hub knows about each partition. A partition is missing if the hub did not answer.
	hub map[string]eventhub.PartitionInfo
	// hubError is why a partition is missing in hub, or nil.
	hubError error
}

// newOverview asks the store, and then the hub. If the hub does not answer, newOverview returns no error, but sets
// hubError.
func newOverview(ctx context.Context, records eventhub.Records, hub eventhub.Hub) (*overview, error) {
	found, err := records.FindCheckpoints(ctx)
	if err != nil {
		return nil, err
	}
	listed, now, err := records.ListOwnerships(ctx)
	if err != nil {
		return nil, err
	}
	o := &overview{found: map[string][]eventhub.FoundCheckpoint{}, ownerships: map[string]eventhub.Ownership{}, now: now}
	ids := map[string]bool{}
	for _, one := range found {
		o.found[one.Partition] = append(o.found[one.Partition], one)
		ids[one.Partition] = true
	}
	for _, ownership := range listed {
		o.ownerships[ownership.Partition] = ownership
		ids[ownership.Partition] = true
	}
	o.hub, o.hubError = hubclient.PartitionInfos(ctx, hub)
	for id := range o.hub {
		ids[id] = true
	}
	for id := range ids {
		o.partitions = append(o.partitions, id)
		o.sortCheckpoints(id)
	}
	slices.SortFunc(o.partitions, natural.Compare)
	return o, nil
}

// sortCheckpoints sorts the checkpoints of a partition. The one that counts becomes the first.
func (o *overview) sortCheckpoints(partition string) {
	slices.SortStableFunc(o.found[partition], func(a, b eventhub.FoundCheckpoint) int {
		switch {
		case eventhub.Later(a, b):
			return -1
		case eventhub.Later(b, a):
			return 1
		}
		return 0
	})
}

// checkpoint returns the checkpoint that counts for a partition, or nil if there is none.
func (o *overview) checkpoint(partition string) *eventhub.FoundCheckpoint {
	if len(o.found[partition]) == 0 {
		return nil
	}
	return &o.found[partition][0]
}

// checkpointAt returns the checkpoint of a partition that is stored at place.
func (o *overview) checkpointAt(partition, place string) eventhub.Checkpoint {
	for _, found := range o.found[partition] {
		if found.Place == place {
			return found.Checkpoint
		}
	}
	return eventhub.Checkpoint{Sequence: eventhub.NoSequence}
}

// offset returns the offset of a hub event, or "". The hub knows only the offset of its newest event.
func (o *overview) offset(partition string, sequence int64) string {
	if info, known := o.hub[partition]; known && info.Last == sequence {
		return info.LastOffset
	}
	return ""
}

// lag returns how many hub events of a partition wait for a reader that starts now. It is not known if the hub did not
// answer. Without a checkpoint, it is known only if the reader would start at the earliest event.
func (o *overview) lag(partition string, start forwarder.StartPosition) (events int64, known bool) {
	info, answered := o.hub[partition]
	if !answered {
		return 0, false
	}
	done := eventhub.Beginning()
	if stored := o.checkpoint(partition); stored != nil {
		done = partitionpkg.PositionAfter(stored.Checkpoint, info)
	} else if start.Kind != forwarder.StartEarliest {
		return 0, false
	}
	return done.Waiting(info.Newest(), info.First), true
}

// owner returns the owner of a partition, or "" if its ownership has expired.
func (o *overview) owner(partition string) string {
	ownership := o.ownerships[partition]
	if o.now.Sub(ownership.Renewed) >= eventhub.OwnershipExpiry {
		return ""
	}
	return ownership.Owner
}
