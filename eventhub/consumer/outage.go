package consumer

import (
	"time"

	"aks-audit-log-go/eventhub"
)

const (
	// outageLong is how long no ownership could be listed before the ages of ownerships say no
	// more about their owners: half the time after which they expire.
	outageLong = eventhub.OwnershipExpiry / 2
	// outageGrace is how long the owners have to renew once the store is back. Their rounds come
	// every 2 s while they fail, but one that hangs in a request takes 15 s.
	outageGrace = 20 * time.Second
)

// storeOutage keeps a reader from taking everybody's partitions when the store comes back. While it
// was away nobody could renew, so that all ownerships look expired, but their owners are at work.
type storeOutage struct {
	// listed is when the ownerships could last be listed, or when the consumer was started.
	listed time.Time
	// until is the end of the grace, by our clock, which like the other goes on steadily.
	until time.Time
}

// over notes that the ownerships were listed at now. What others own counts as renewed while
// the grace lasts. me is this reader; the store's time is storeNow.
func (o *storeOutage) ended(now time.Time, ownerships []eventhub.Ownership, me string, storeNow time.Time) {
	if now.Sub(o.listed) >= outageLong {
		o.until = now.Add(outageGrace)
	}
	o.listed = now
	if !now.Before(o.until) {
		return
	}
	for i := range ownerships {
		if ownerships[i].Owner != me && ownerships[i].Owner != "" {
			ownerships[i].Renewed = storeNow
		}
	}
}
