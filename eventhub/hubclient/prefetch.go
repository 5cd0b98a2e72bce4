package hubclient

import (
	"sync/atomic"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/forwarder"
)

// largestEvent is what the service takes at the most, and so what an event that is asked for
// may turn out to be.
const LargestEvent = 1 << 20

// minCredits keeps one event on its way while another is in hand, maxCredits is more than a
// partition gets rid of while the next are on their way.
const minCredits, maxCredits = 2, 256

// assumedPartitions is how many partitions there are while the hub has not said it.
const assumedPartitions = 32

// credits knows how many events a partition's link asks for ahead.
type credits struct {
	// fixed is EVENTHUBPREFETCH, 0 where that is not set, and bytes MAXBYTESINFLIGHT.
	fixed, bytes int
	// partitions is how many the event hub has: any of them may be ours.
	partitions atomic.Int64
}

func newCredits(cfg forwarder.Config) *credits {
	c := &credits{fixed: cfg.HubPrefetch, bytes: cfg.MaxBytesInFlight}
	c.learn(assumedPartitions)
	return c
}

// learn notes how many partitions the event hub has.
func (c *credits) learn(partitions int) { c.partitions.Store(int64(max(1, partitions))) }

// each is for one partition.
func (c *credits) each() int32 {
	if c.fixed > 0 {
		return int32(c.fixed) // #nosec G115 -- Load bounds it
	}
	fair := (c.bytes - eventhub.UnpackedShare(c.bytes)) / LargestEvent / int(c.partitions.Load())
	return int32(min(max(fair, minCredits), maxCredits)) // #nosec G115 -- bounded
}
