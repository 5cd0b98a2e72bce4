package consumer

import (
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/sirupsen/logrus"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/forwarder"
)

// knownPartitions are the partitions of the hub. In the Premium and Dedicated tiers, partitions can be added to a hub
// in use. A hub that was made anew can have fewer. It is safe for concurrent use.
type knownPartitions struct {
	mu  sync.Mutex
	ids []string
	// absent are the known partitions that the last answer did not name.
	absent []string
}

// list returns the ids of the partitions, none before the first answer.
func (k *knownPartitions) list() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.ids
}

// note takes an answer of the hub. A partition is known from the first answer that names it. It is gone after two
// answers in a row without it, because one of them may be older than the partition. An answer without partitions is
// ignored: there is no such hub.
func (k *knownPartitions) note(answer []string) (added, gone []string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(answer) == 0 {
		return nil, nil
	}
	added = without(answer, k.ids)
	missing := without(k.ids, answer)
	k.absent, gone = without(missing, k.absent), without(missing, without(missing, k.absent))
	k.ids = slices.Concat(without(k.ids, gone), added)
	return added, gone
}

// without returns the elements of all that are not in others.
func without(all, others []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(one string) bool { return slices.Contains(others, one) })
}

// askHub asks the hub for its partitions. An error leaves the known ones unchanged.
func (c *Consumer) askHub(ctx context.Context) error {
	ids, err := c.hub.PartitionIDs(ctx)
	if err != nil {
		return err
	}
	before := len(c.known.list())
	added, gone := c.known.note(ids)
	log := c.log.WithField("partitions", len(c.known.list()))
	switch {
	case before == 0:
		log.Info("event hub found")
	case len(added) > 0:
		log.WithField("added", added).Info("the event hub has more partitions")
	}
	if len(gone) > 0 {
		log.WithField("gone", gone).Warn("the event hub has fewer partitions, giving up those that are gone")
	}
	return nil
}

// findPartitions sets the partitions for a round. It asks the hub only if no partition is known. Later answers come
// from the goroutine of startAsking, so that a hub that does not answer delays no renewal.
func (c *Consumer) findPartitions(ctx context.Context) error {
	if len(c.known.list()) == 0 {
		if err := c.askHub(ctx); err != nil {
			return err
		}
	}
	c.partitions = c.known.list()
	return nil
}

// drainGone ends the partitions that the hub no longer has. They are relinquished after their current hub event.
func (c *Consumer) drainGone() {
	for id, owned := range c.owned {
		if !slices.Contains(c.partitions, id) {
			owned.drain()
		}
	}
}

// addedLater reports whether a partition without a checkpoint was added to the hub after the consumer group first read
// it. All of its events are then newer, and EVENTHUBSTARTPOSITION must not skip any: it says where to start in the
// hub. stored are the checkpoints of all partitions.
//
// The store remembers the partitions of the first start, because the replica that claims the new partition may have
// started later. One conditional write makes the record before the first partition starts. So a second replica in the
// same first start finds the same record, whatever checkpoints it sees.
func (c *Consumer) addedLater(ctx context.Context, partition string, stored map[string]*eventhub.Checkpoint) (bool, error) {
	if c.cfg.StartPosition.Kind == forwarder.StartEarliest || stored[partition] != nil {
		return false, nil
	}
	if c.first == nil {
		first := c.partitions
		if len(stored) > 0 { // the group was read before, by a version without this record or by another reader
			first = slices.Sorted(maps.Keys(stored))
		}
		var err error
		if c.first, err = c.store.RememberPartitions(ctx, first); err != nil {
			return false, err
		}
	}
	later := !slices.Contains(c.first, partition)
	if later {
		c.log.WithFields(logrus.Fields{"partition": partition, "first_partitions": len(c.first)}).
			Info("the partition was added after the first start: starting at its oldest event, whatever EVENTHUBSTARTPOSITION says")
	}
	return later, nil
}
