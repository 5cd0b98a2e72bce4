package check

import (
	"context"
	"errors"
	"fmt"
	"time"

	"aks-audit-log-go/eventhub/storage/blob"
	"aks-audit-log-go/forwarder"
)

// maxSkew is how far a clock may be off. One that anything sets is off by less than a second. Azure
// refuses a request to the storage that was signed 15 minutes ago
// (https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key), the hub a
// signature that has run out by its clock.
const maxSkew = time.Minute

// ErrNotTried says why something could not be tried, which is no failure of its own.
var ErrNotTried = errors.New("not tried")

// CheckClock compares this machine's clock with that of the storage service. It needs no
// authorisation, since an answer that refuses has its time, too.
func CheckClock(ctx context.Context, cfg forwarder.Config) (string, error) {
	if cfg.Blob == nil {
		return "", fmt.Errorf("%w: with CHECKPOINTDIR there is no storage service to compare it with", ErrNotTried)
	}
	store, err := blob.Open(cfg)
	if err != nil {
		return "", err
	}
	defer func() { _ = store.Close() }()
	theirs, ours, err := store.Container.AskTime(ctx)
	if err != nil {
		return "", fmt.Errorf("%w: the storage service does not tell the time: %w", ErrNotTried, err)
	}
	switch skew := ours.Sub(theirs); {
	case skew > maxSkew:
		return "", fmt.Errorf("this machine's clock is %s ahead of the storage service's: set it (NTP), tokens and signatures depend on it", skew.Round(time.Second))
	case skew < -maxSkew:
		return "", fmt.Errorf("this machine's clock is %s behind the storage service's: set it (NTP), tokens and signatures depend on it", -skew.Round(time.Second))
	default:
		return fmt.Sprintf("within %s of the storage service's", max(time.Second, skew.Abs().Round(time.Second))), nil
	}
}
