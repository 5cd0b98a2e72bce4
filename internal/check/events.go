package check

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/maruel/natural"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/eventhub/hubclient"
	"aks-audit-log-go/eventhub/partition"
	"aks-audit-log-go/eventhub/storage"
	"aks-audit-log-go/eventhub/storage/blob"
	"aks-audit-log-go/forwarder"
)

const (
	// quietAfter is the age from which the newest event is remarkable. The components of a cluster renew their leases
	// every few seconds, the audit log has these renewals, and Azure delivers them within minutes.
	quietAfter = time.Hour
	// staleAfter is the age from which the newest event shows that the cluster's audit log does not arrive.
	staleAfter = 24 * time.Hour
)

// lookAtSetting says what to do if no event arrives in the hub.
const lookAtSetting = "look whether the AKS cluster runs, and whether its diagnostic setting writes kube-audit or kube-audit-admin to this hub " +
	"(az monitor diagnostic-settings list --resource …)"

// checkEvents reports when the newest event arrived, how many wait in each partition, and whether the newest events
// are of CATEGORIES. It displaces no reader: it reads some events as checkConsumerGroup does.
func checkEvents(ctx context.Context, cfg forwarder.Config) ([]partitionLag, string, error) {
	hub, partitions, err := openHub(ctx, cfg)
	if err != nil {
		return nil, "", err
	}
	defer hubclient.CloseQuietly(ctx, hub)
	newest := newestEvent(partitions)
	if newest.IsZero() {
		return nil, "the hub holds no event yet; if that lasts, nothing is watched: " + lookAtSetting, nil
	}
	lags, err := lagsOf(ctx, cfg, partitions)
	waiting := waitingText(lags)
	if err != nil {
		waiting = "how many are waiting is not known without the checkpoints"
	}
	age := max(0, time.Since(newest)).Round(time.Second)
	came := fmt.Sprintf("the newest came in %s ago (%s)", ageText(age), newest.UTC().Format(time.RFC3339))
	none, sure := unwatched(ctx, cfg, hub, partitions)
	switch {
	case sure:
		return lags, "", fmt.Errorf("%s, but %s; %s", came, none, waiting)
	case age >= staleAfter:
		return lags, "", fmt.Errorf("%s, so nothing that happened since is watched: %s; %s", came, lookAtSetting, waiting)
	case age >= quietAfter:
		return lags, came + "; " + waiting + "; mind: a cluster that runs writes every few seconds: " + lookAtSetting, nil
	case none != "":
		return lags, came + "; " + waiting + "; mind: if that lasts, " + none, nil
	default:
		return lags, came + "; " + waiting, nil
	}
}

// ageText returns an age in days or hours, or exactly if it is less than two hours.
func ageText(age time.Duration) string {
	switch {
	case age >= 48*time.Hour:
		return count(int(age/(24*time.Hour)), "day")
	case age >= 2*time.Hour:
		return count(int(age/time.Hour), "hour")
	default:
		return age.String()
	}
}

// newestEvent returns when the last event arrived in a hub, even if retention has removed it. It returns zero if none
// ever arrived.
func newestEvent(partitions map[string]eventhub.PartitionInfo) time.Time {
	var newest time.Time
	for _, info := range partitions {
		if info.Last > eventhub.NoSequence && info.LastEnqueued.After(newest) {
			newest = info.LastEnqueued
		}
	}
	return newest
}

// findCheckpoints returns all checkpoints. It returns none if the container or the folder does not exist yet.
func findCheckpoints(ctx context.Context, cfg forwarder.Config) ([]eventhub.FoundCheckpoint, error) {
	records, err := storage.OpenRecords(cfg)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = records.Close() }()
	found, err := records.FindCheckpoints(ctx)
	if errors.Is(err, blob.ErrNoContainer) {
		return nil, nil
	}
	return found, err
}

// lagsOf returns how many hub events wait in each partition for a reader that starts now.
func lagsOf(ctx context.Context, cfg forwarder.Config, partitions map[string]eventhub.PartitionInfo) ([]partitionLag, error) {
	found, err := findCheckpoints(ctx, cfg)
	if err != nil {
		return nil, err
	}
	counting := map[string]eventhub.FoundCheckpoint{}
	for _, one := range found {
		if other, known := counting[one.Partition]; !known || eventhub.Later(one, other) {
			counting[one.Partition] = one
		}
	}
	lags := make([]partitionLag, 0, len(partitions))
	for id, info := range partitions {
		lag := partitionLag{Partition: id}
		done := eventhub.Beginning()
		stored, known := counting[id]
		if known {
			done = partition.PositionAfter(stored.Checkpoint, info)
		}
		if known || cfg.StartPosition.Kind == forwarder.StartEarliest {
			lag.Lag = new(done.Waiting(info.Newest(), info.First))
		}
		lags = append(lags, lag)
	}
	slices.SortFunc(lags, func(a, b partitionLag) int { return natural.Compare(a.Partition, b.Partition) })
	return lags, nil
}

// waitingText says how many hub events wait, in all and for each partition that is not at its end.
func waitingText(lags []partitionLag) string {
	var sum int64
	var each []string
	unknown := 0
	for _, lag := range lags {
		switch {
		case lag.Lag == nil:
			unknown++
		case *lag.Lag > 0:
			sum += *lag.Lag
			each = append(each, fmt.Sprintf("%s: %d", lag.Partition, *lag.Lag))
		}
	}
	text := "none is waiting"
	if sum > 0 {
		are := "are"
		if sum == 1 {
			are = "is"
		}
		text = fmt.Sprintf("%d %s waiting (by partition: %s)", sum, are, strings.Join(each, ", "))
	}
	if unknown > 0 {
		text += fmt.Sprintf("; not known for %s without a checkpoint", count(unknown, "partition"))
	}
	return text
}
