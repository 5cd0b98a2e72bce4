package consumer

import (
	"maps"
	"slices"
	"time"

	"aks-audit-log-go/eventhub"
)

// deletedOwnerships notices that ownerships were deleted from the store, which no replica does. Their owners still
// read, and write them again in their next round. Without it, the replicas would take each other's partitions.
type deletedOwnerships struct {
	// seen are the ownerships as last listed or claimed, by partition. One that was deleted has no version.
	seen map[string]eventhub.Ownership
	// until is the end of the time that the owners have to write their ownerships again, by our clock.
	until time.Time
}

// note adds the ownerships that were deleted to those that were listed at now, so that they still count until they
// expire. It returns which ones are newly deleted.
func (d *deletedOwnerships) note(now time.Time, listed []eventhub.Ownership) (all, deleted []eventhub.Ownership) {
	missing := maps.Clone(d.seen)
	for _, ownership := range listed {
		delete(missing, ownership.Partition)
	}
	d.remember(listed)
	for partition, ownership := range missing {
		if ownership.Version != "" {
			deleted = append(deleted, ownership)
			d.until = now.Add(outageGrace)
			ownership.Version = "" // it is written again only if there is none
			d.seen[partition] = ownership
		}
		if ownership.Owner != "" {
			listed = append(listed, ownership)
		}
	}
	return listed, deleted
}

// remember notes ownerships that were listed or claimed.
func (d *deletedOwnerships) remember(ownerships []eventhub.Ownership) {
	for _, ownership := range ownerships {
		d.seen[ownership.Partition] = ownership
	}
}

// withDeleted returns the listed ownerships and those that were deleted, and logs which of this replica were.
func (c *Consumer) withDeleted(listed []eventhub.Ownership) []eventhub.Ownership {
	all, deleted := c.deleted.note(time.Now(), listed)
	for _, ownership := range deleted {
		if ownership.Owner == c.ownerID {
			c.log.WithField("partition", ownership.Partition).
				Warn("the ownership was deleted from the storage: writing it again; find out what deletes it")
		}
	}
	return all
}

// claimable returns the wanted ownerships that this replica may claim. While the owners write deleted ownerships
// again, it only renews: a partition without an ownership may have an owner.
func (c *Consumer) claimable(wanted []eventhub.Ownership) []eventhub.Ownership {
	if !time.Now().Before(c.deleted.until) {
		return wanted
	}
	return slices.DeleteFunc(wanted, func(one eventhub.Ownership) bool { return c.owned[one.Partition] == nil })
}
