package hubclient

import (
	"sync/atomic"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/forwarder"
)

// minCredits lets one event be in transit while another is handled. maxCredits is more than a partition can deliver
// while the next events are in transit.
const minCredits, maxCredits = 2, 256

// assumedPartitions is the assumed number of partitions until the hub has reported it.
const assumedPartitions = 32

// credits computes how many events the link of a partition requests ahead.
type credits struct {
	// fixed is EVENTHUBPREFETCH, or 0 if that is not set.
	fixed int
	// bytes is MAXBYTESINFLIGHT.
	bytes int
	// partitions is the number of partitions of the event hub. This replica may own all of them.
	partitions atomic.Int64
}

func newCredits(cfg forwarder.Config) *credits {
	c := &credits{fixed: cfg.HubPrefetch, bytes: cfg.MaxBytesInFlight}
	c.setPartitions(assumedPartitions)
	return c
}

// setPartitions notes how many partitions the event hub has.
func (c *credits) setPartitions(partitions int) { c.partitions.Store(int64(max(1, partitions))) }

// perPartition returns the credits of one partition.
func (c *credits) perPartition() int32 {
	if c.fixed > 0 {
		return int32(c.fixed) // #nosec G115 -- Load bounds it
	}
	fair := (c.bytes - eventhub.UnpackedShare(c.bytes)) / eventhub.MaxHubEventSize / int(c.partitions.Load())
	return int32(min(max(fair, minCredits), maxCredits)) // #nosec G115 -- bounded
}
