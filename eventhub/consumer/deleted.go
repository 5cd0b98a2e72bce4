package consumer

import (
	"maps"
	"slices"
	"time"

	"aks-audit-log-go/eventhub"
)

// deletedOwnerships notices ownerships that were deleted from the store, which no replica does. Their owners still
// read, and write them again in their next round. Until then they count, or the replicas would take each other's
// partitions.
type deletedOwnerships struct {
	// seen are the ownerships as last listed or claimed, by partition. A deleted one has no version.
	seen map[string]eventhub.Ownership
	// until is when the owners must have written their ownerships again, by the local clock.
	until time.Time
}

// note adds the deleted ownerships to those that were listed at now, so that they count until they expire. It returns
// the newly deleted ones, too.
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

// withDeleted returns the listed and the deleted ownerships, and logs which of this replica were deleted.
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

// claimable returns the wanted ownerships that this replica may claim. While owners write deleted ownerships again, it
// only renews: a partition without an ownership may have an owner.
func (c *Consumer) claimable(wanted []eventhub.Ownership) []eventhub.Ownership {
	if !time.Now().Before(c.deleted.until) {
		return wanted
	}
	return slices.DeleteFunc(wanted, func(one eventhub.Ownership) bool { return c.owned[one.Partition] == nil })
}
