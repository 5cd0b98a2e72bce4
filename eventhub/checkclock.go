package eventhub

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

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
	store, err := openBlobStore(cfg)
	if err != nil {
		return "", err
	}
	defer func() { _ = store.Close() }()
	theirs, ours, err := store.container.askTime(ctx)
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

// askTime asks without signing in, and returns the service's time, which has whole seconds, and ours, from the
// middle of the question.
func (c blobContainer) askTime(ctx context.Context) (theirs, ours time.Time, err error) {
	address := c.url.URL()
	address.RawQuery = "restype=container"
	request, err := http.NewRequestWithContext(ctx, http.MethodHead, address.String(), nil)
	if err != nil {
		return theirs, ours, err
	}
	asked := time.Now()
	answer, err := c.client.Do(request)
	if err != nil {
		var whole *url.Error
		if errors.As(err, &whole) {
			err = whole.Err // without the address
		}
		return theirs, ours, err
	}
	ours = asked.Add(time.Since(asked) / 2)
	_ = answer.Body.Close()
	theirs, err = http.ParseTime(answer.Header.Get("Date"))
	return theirs, ours, err
}
