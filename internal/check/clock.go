package check

import (
	"context"
	"fmt"
	"time"

	"aks-audit-log-go/eventhub/storage/blob"
	"aks-audit-log-go/forwarder"
)

// maxSkew is how far this machine's clock may be off. A synchronised clock is off by less than a second. Azure Storage
// refuses a request that was signed more than 15 minutes ago
// (https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key), and the hub refuses a signature
// that has expired by the hub's clock.
const maxSkew = time.Minute

// checkClock compares this machine's clock with the clock of the storage service. It needs no authorization, because
// even an answer that refuses the request has the time.
func checkClock(ctx context.Context, cfg forwarder.Config) (string, error) {
	if cfg.Blob == nil {
		return "", fmt.Errorf("%w: with CHECKPOINTDIR there is no storage service to compare it with", errNotTried)
	}
	store, err := blob.Open(cfg)
	if err != nil {
		return "", err
	}
	defer func() { _ = store.Close() }()
	theirs, ours, err := store.ServerTime(ctx)
	if err != nil {
		return "", fmt.Errorf("%w: the storage service does not tell the time: %w", errNotTried, err)
	}
	const advice = "set it (NTP), tokens and signatures depend on it"
	switch skew := ours.Sub(theirs); {
	case skew > maxSkew:
		return "", fmt.Errorf("this machine's clock is %s ahead of the storage service's: %s", skew.Round(time.Second), advice)
	case skew < -maxSkew:
		return "", fmt.Errorf("this machine's clock is %s behind the storage service's: %s", -skew.Round(time.Second), advice)
	default:
		return fmt.Sprintf("within %s of the storage service's", max(time.Second, skew.Abs().Round(time.Second))), nil
	}
}
