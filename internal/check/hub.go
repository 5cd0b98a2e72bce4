package check

import (
	"context"
	"errors"
	"fmt"
	"time"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/eventhub/advice"
	"aks-audit-log-go/eventhub/hubclient"
	"aks-audit-log-go/eventhub/unpack"
	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/forwarder/audit"
	"aks-audit-log-go/forwarder/variable"
)

// checkHub asks the event hub for its partitions and their contents. It reads no event, and displaces no reader.
func checkHub(ctx context.Context, cfg forwarder.Config) (string, error) {
	hub, partitions, err := openHub(ctx, cfg)
	if err != nil {
		return "", err
	}
	defer hubclient.CloseQuietly(ctx, hub)
	result := fmt.Sprintf("%s on %s has %s", cfg.HubName, cfg.HubConnection.Host, count(len(partitions), "partition"))
	if end := cfg.HubConnection.SignatureEnds(); !end.IsZero() {
		result += "; its signature expires at " + end.Format(time.RFC3339)
	}
	return result, nil
}

// checkHubOffline checks whether the signature for the hub has expired by this machine's clock, and reads
// EVENTHUBCAFILE.
func checkHubOffline(ctx context.Context, cfg forwarder.Config) (string, error) {
	if err := notExpired(cfg.HubConnection.SignatureEnds(), variable.HubConnection); err != nil {
		return "", err
	}
	hub, err := hubclient.New(cfg, eventhub.NewReaderID())
	if err != nil {
		return "", err
	}
	hubclient.CloseQuietly(ctx, hub)
	return "", errNeedsNetwork
}

// notExpired returns an error if a signature has expired by this machine's clock. end is zero if the signature does
// not say when it expires.
func notExpired(end time.Time, name string) error {
	if end.IsZero() || time.Now().Before(end) {
		return nil
	}
	return fmt.Errorf("the signature in %s expired at %s (its se=), so it is refused: make a new one", name, end.Format(time.RFC3339))
}

// openHub opens the hub and asks it for its partitions. The caller closes the hub if there is no error.
func openHub(ctx context.Context, cfg forwarder.Config) (hubclient.Client, map[string]eventhub.PartitionInfo, error) {
	hub, err := hubclient.New(cfg, eventhub.NewReaderID())
	if err != nil {
		return nil, nil, err
	}
	partitions, err := hubclient.PartitionInfos(ctx, hub)
	if err != nil {
		hubclient.CloseQuietly(ctx, hub)
		return nil, nil, advice.Hub(cfg, err)
	}
	return hub, partitions, nil
}

func holdsEvents(info eventhub.PartitionInfo) bool {
	return info.Last > eventhub.NoSequence && info.Last >= info.First
}

// emptyProbeTime is how long a partition without events is held open. If the consumer group does not exist, the
// service refuses the link at once. If the group exists, no answer comes.
const emptyProbeTime = 3 * time.Second

// checkConsumerGroup checks whether the consumer group exists and may be read. It opens a partition in a way that
// displaces no reader, because the service has no request about groups.
func checkConsumerGroup(ctx context.Context, cfg forwarder.Config) (string, error) {
	hub, partitions, err := openHub(ctx, cfg)
	if err != nil {
		return "", err
	}
	defer hubclient.CloseQuietly(ctx, hub)
	partition, after, count := probePosition(partitions)
	probeCtx, cancel := context.WithTimeout(ctx, emptyProbeTime)
	defer cancel()
	if holdsEvents(partitions[partition]) { // an event comes if the group exists
		probeCtx = ctx
	}
	result := fmt.Sprintf("%q may be read", cfg.ConsumerGroup)
	events, err := hub.ProbeGroup(probeCtx, partition, after, count)
	switch {
	case errors.Is(err, hubclient.ErrPartitionInUse):
		result += fmt.Sprintf("; another reader, such as the daemon, has partition %s now", partition)
	case err != nil:
		return "", advice.Group(cfg, err)
	case ctx.Err() != nil:
		return "", advice.Hub(cfg, ctx.Err())
	}
	if cfg.ConsumerGroup == "$Default" {
		result += "; see that nothing else reads $Default, two readers displace each other"
	}
	return result + bothCategories(ctx, cfg, events), nil
}

// bothCategories returns advice if these events show that a cluster sends each change twice, and "" otherwise.
func bothCategories(ctx context.Context, cfg forwarder.Config, events []eventhub.Event) string {
	unpacker := unpack.New(cfg)
	for _, event := range events {
		if _, _, release, _ := unpacker.Unpack(ctx, event); release != nil {
			release()
		}
	}
	if cluster := unpacker.BothCategories(); cluster != "" {
		return fmt.Sprintf("; mind, cluster %q: %s", cluster, audit.BothCategoriesAdvice)
	}
	return ""
}

// probeEvents is how many of the newest events of a partition are read at most.
const probeEvents = 20

// probePosition returns a partition, if possible one that holds events, the position before its newest events, and how
// many they are.
func probePosition(partitions map[string]eventhub.PartitionInfo) (partition string, after int64, count int) {
	for id, info := range partitions {
		if partition == "" || holdsEvents(info) && !holdsEvents(partitions[partition]) {
			partition, after = id, max(info.Last-probeEvents, info.First-1)
			count = max(1, int(info.Last-after))
		}
	}
	return partition, after, count
}

// count returns a number with its noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
