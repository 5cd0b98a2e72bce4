package eventhub

import (
	"context"
	"errors"
	"fmt"
	"time"

	"aks-audit-log-go/forwarder"
)

// CheckHub asks the event hub for its partitions and what they hold. It says in a line what it
// found; the error says what there is to do. Nothing is read and no reader is disturbed.
func CheckHub(ctx context.Context, cfg forwarder.Config) (string, error) {
	hub, found, err := openHub(ctx, cfg)
	if err != nil {
		return "", err
	}
	defer letGo(ctx, hub.Close)
	said := fmt.Sprintf("%s on %s has %s", cfg.HubName, cfg.HubConnection.Host, counted(len(found), "partition"))
	newest := newestEvent(found)
	if newest.IsZero() {
		return said + "; it holds no event yet: if that lasts, look at the diagnostic setting of the AKS cluster", nil
	}
	return said + "; its newest event came in at " + newest.UTC().Format(time.RFC3339), nil
}

// openHub opens the hub and asks it for its partitions. Its caller closes it, if there is no error.
func openHub(ctx context.Context, cfg forwarder.Config) (Hub, map[string]PartitionInfo, error) {
	hub, err := NewHub(cfg)
	if err != nil {
		return nil, nil, err
	}
	found, err := askHub(ctx, hub)
	if err != nil {
		letGo(ctx, hub.Close)
		return nil, nil, adviseHub(cfg, err)
	}
	return hub, found, nil
}

// newestEvent is when the last event came into a hub, zero where it holds none.
func newestEvent(found map[string]PartitionInfo) time.Time {
	var newest time.Time
	for _, info := range found {
		if holdsEvents(info) && info.LastEnqueued.After(newest) {
			newest = info.LastEnqueued
		}
	}
	return newest
}

func holdsEvents(info PartitionInfo) bool { return info.Last > noSequence && info.Last >= info.First }

// quietGroup is how long a partition without events is held open. A group that is not there is
// refused at once, while one that is there says nothing.
const quietGroup = 3 * time.Second

// groupProber is what each client of the hub can do beside what the consumer needs of it.
type groupProber interface {
	// probeGroup opens the partition behind after as a reader without an epoch, until an event
	// came or ctx has ended, both of which return nil. Such a reader displaces nobody: where one
	// with an epoch is, as the daemon's are, the service refuses it, which returns errGroupRead.
	// Reading removes nothing from a hub.
	probeGroup(ctx context.Context, partition string, after int64) error
}

var (
	_ groupProber = (*azEventHubs)(nil)
	_ groupProber = (*azureEventHubsGo)(nil)
)

var (
	// errGroupRead says that the group is there and somebody reads the partition.
	errGroupRead = errors.New("another reader has the partition")
	// errNoProbe cannot happen: both clients can be asked.
	errNoProbe = errors.New("this client of the hub cannot be asked for its consumer group")
)

// CheckConsumerGroup finds out whether the consumer group exists and may be read. The service
// answers no question about groups, so a partition is opened, in a way that displaces no reader.
func CheckConsumerGroup(ctx context.Context, cfg forwarder.Config) (string, error) {
	hub, found, err := openHub(ctx, cfg)
	if err != nil {
		return "", err
	}
	defer letGo(ctx, hub.Close)
	prober, can := hub.(groupProber)
	if !can {
		return "", errNoProbe
	}
	partition, after := mostTelling(found)
	probing, cancel := context.WithTimeout(ctx, quietGroup)
	defer cancel()
	if holdsEvents(found[partition]) { // then it says so when it is there
		probing = ctx
	}
	said := fmt.Sprintf("%q may be read", cfg.ConsumerGroup)
	switch err := prober.probeGroup(probing, partition, after); {
	case errors.Is(err, errGroupRead):
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
func mostTelling(found map[string]PartitionInfo) (partition string, after int64) {
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
