package check

import (
	"context"
	"errors"
	"fmt"
	"time"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/eventhub/hubclient"
	"aks-audit-log-go/forwarder"
)

// CheckHub asks the event hub for its partitions and what they hold. It says in a line what it
// found; the error says what there is to do. Nothing is read and no reader is disturbed.
func CheckHub(ctx context.Context, cfg forwarder.Config) (string, error) {
	hub, found, err := openHub(ctx, cfg)
	if err != nil {
		return "", err
	}
	defer hubclient.CloseQuietly(ctx, hub)
	said := fmt.Sprintf("%s on %s has %s", cfg.HubName, cfg.HubConnection.Host, counted(len(found), "partition"))
	newest := newestEvent(found)
	if newest.IsZero() {
		return said + "; it holds no event yet: if that lasts, look at the diagnostic setting of the AKS cluster", nil
	}
	return said + "; its newest event came in at " + newest.UTC().Format(time.RFC3339), nil
}

// openHub opens the hub and asks it for its partitions. Its caller closes it, if there is no error.
func openHub(ctx context.Context, cfg forwarder.Config) (hubclient.Client, map[string]eventhub.PartitionInfo, error) {
	hub, err := hubclient.New(cfg)
	if err != nil {
		return nil, nil, err
	}
	found, err := AskHub(ctx, hub)
	if err != nil {
		hubclient.CloseQuietly(ctx, hub)
		return nil, nil, adviseHub(cfg, err)
	}
	return hub, found, nil
}

// newestEvent is when the last event came into a hub, zero where it holds none.
func newestEvent(found map[string]eventhub.PartitionInfo) time.Time {
	var newest time.Time
	for _, info := range found {
		if holdsEvents(info) && info.LastEnqueued.After(newest) {
			newest = info.LastEnqueued
		}
	}
	return newest
}

func holdsEvents(info eventhub.PartitionInfo) bool {
	return info.Last > eventhub.NoSequence && info.Last >= info.First
}

// quietGroup is how long a partition without events is held open. A group that is not there is
// refused at once, while one that is there says nothing.
const quietGroup = 3 * time.Second

var ()

var ()

// CheckConsumerGroup finds out whether the consumer group exists and may be read. The service
// answers no question about groups, so a partition is opened, in a way that displaces no reader.
func CheckConsumerGroup(ctx context.Context, cfg forwarder.Config) (string, error) {
	hub, found, err := openHub(ctx, cfg)
	if err != nil {
		return "", err
	}
	defer hubclient.CloseQuietly(ctx, hub)
	partition, after := mostTelling(found)
	probing, cancel := context.WithTimeout(ctx, quietGroup)
	defer cancel()
	if holdsEvents(found[partition]) { // then it says so when it is there
		probing = ctx
	}
	said := fmt.Sprintf("%q may be read", cfg.ConsumerGroup)
	switch err := hub.ProbeGroup(probing, partition, after); {
	case errors.Is(err, hubclient.ErrPartitionInUse):
		said += fmt.Sprintf("; another reader, such as the daemon, has partition %s now", partition)
	case err != nil:
		return "", adviseGroup(cfg, err)
	case ctx.Err() != nil:
		return "", adviseHub(cfg, ctx.Err())
	}
	if cfg.ConsumerGroup == "$Default" {
		said += "; see that nothing else reads $Default, two readers displace each other"
	}
	return said, nil
}

// mostTelling is a partition with an event in it, if there is one, and the place before its last.
func mostTelling(found map[string]eventhub.PartitionInfo) (partition string, after int64) {
	for id, info := range found {
		if partition == "" || holdsEvents(info) && !holdsEvents(found[partition]) {
			partition, after = id, info.Last-1
		}
	}
	return partition, after
}

// counted is a number with its noun.
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// askHub asks what each partition holds. It returns what it could find out, and why that is not all.
func AskHub(ctx context.Context, hub eventhub.Hub) (map[string]eventhub.PartitionInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, eventhub.RequestTimeout)
	defer cancel()
	ids, err := hub.PartitionIDs(ctx)
	if err != nil {
		return nil, err // which says what was asked
	}
	var failures error
	known := map[string]eventhub.PartitionInfo{}
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
