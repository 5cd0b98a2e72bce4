package check

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/maruel/natural"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/eventhub/hubclient"
	"aks-audit-log-go/eventhub/unpack"
	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/forwarder/audit"
)

// probedPartitions is in how many partitions unwatched looks for categories at most. Azure spreads the records of each
// category over all partitions.
const probedPartitions = 4

// probeTime bounds the look at all these partitions together. After it, unwatched judges the hub events that have
// come.
const probeTime = 5 * time.Second

// unwatched looks at the newest hub events for records of CATEGORIES. If it finds only records of other categories, it
// returns what to do, and whether it has seen enough to be sure. It returns nothing if a partition cannot be read, for
// example because the daemon reads it: other checks say why.
func unwatched(ctx context.Context, cfg forwarder.Config, hub hubclient.Client, partitions map[string]eventhub.PartitionInfo) (text string, sure bool) {
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	var events []eventhub.Event
	ids := slices.SortedFunc(maps.Keys(partitions), natural.Compare)
	ids = slices.DeleteFunc(ids, func(id string) bool { return !holdsEvents(partitions[id]) })
	for _, id := range ids[:min(len(ids), probedPartitions)] {
		info := partitions[id]
		after := max(info.Last-probeEvents, info.First-1)
		read, err := hub.ProbeGroup(ctx, id, after, int(info.Last-after))
		if err != nil {
			return "", false
		}
		events = append(events, read...)
	}
	seen, watched := categories(ctx, cfg, events)
	if watched || len(seen) == 0 {
		return "", false
	}
	return audit.NotWatchedAdvice(seen, cfg.Categories), len(events) >= probeEvents
}

// categories returns the categories of the records that the daemon would skip, and whether there are records that it
// would not skip.
func categories(ctx context.Context, cfg forwarder.Config, events []eventhub.Event) (skipped []string, watched bool) {
	unpacker := unpack.New(cfg)
	seen := map[string]bool{}
	for _, event := range events {
		records, _, release, _ := unpacker.Unpack(ctx, event)
		for i := range records {
			if records[i].Verdict != audit.Skipped {
				watched = true
				continue
			}
			seen[audit.KnownCategory(records[i].Category)] = true
		}
		if release != nil {
			release()
		}
	}
	return slices.Collect(maps.Keys(seen)), watched
}
