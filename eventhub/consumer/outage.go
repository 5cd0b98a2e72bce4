package consumer

import (
	"time"

	"aks-audit-log-go/eventhub"
)

const (
	// outageLong is how long listing must have failed before the ages of ownerships say nothing about their owners:
	// half the time after which they expire.
	outageLong = eventhub.OwnershipExpiry / 2
	// outageGrace is how long the owners have to renew once the store is back. Failed rounds repeat every 2 s, but one
	// that hangs in a request takes 15 s.
	outageGrace = 20 * time.Second
)

// storeOutage keeps a replica from taking all partitions when the store comes back. During the outage nobody could
// renew, so all ownerships look expired although their owners are alive.
type storeOutage struct {
	// listed is when the ownerships could last be listed, or when the consumer was started.
	listed time.Time
	// until is the end of the grace by the local clock, which runs as steadily as the store's.
	until time.Time
}

// ended notes that the ownerships were listed at now, which is storeNow by the store's clock. During the grace it
// makes the ownerships of all but ownerID look renewed.
func (o *storeOutage) ended(now time.Time, ownerships []eventhub.Ownership, ownerID string, storeNow time.Time) {
	if now.Sub(o.listed) >= outageLong {
		o.until = now.Add(outageGrace)
	}
	o.listed = now
	if !now.Before(o.until) {
		return
	}
	for i := range ownerships {
		if ownerships[i].Owner != ownerID && ownerships[i].Owner != "" {
			ownerships[i].Renewed = storeNow
		}
	}
}
