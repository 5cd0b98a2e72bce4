package consumer

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"aks-audit-log-go/eventhub"
)

const (
	// balanceInterval is the pause between two rounds. A jitter of up to 20 % more keeps replicas from acting in step.
	balanceInterval = 10 * time.Second
	// renewAfter is the age from which an ownership is renewed. It lies between one round and two, so that every
	// second round renews. Storage bills each renewal, which for 32 partitions without events is most of the bill.
	renewAfter = 18 * time.Second
	// balanceRetry is the pause after a failed round.
	balanceRetry = 2 * time.Second
	// roundTimeout bounds a round, so that a store that hangs does not cost the ownerships.
	roundTimeout = 30 * time.Second
	// claimsAtOnce is how many partitions are claimed at the same time, each over its own connection. These start
	// before the next ones are claimed, so that the first of many partitions waits for few answers of the storage.
	claimsAtOnce = 4
)

// round renews and claims ownerships once, and returns the pause until the next round.
func (c *Consumer) round(ctx context.Context) time.Duration {
	roundCtx, cancel := context.WithTimeout(ctx, roundTimeout)
	defer cancel()
	if err := c.tryRound(ctx, roundCtx); err != nil {
		if ctx.Err() == nil {
			c.stats.BalanceFailed()
			c.health.OwnershipUnknown(err.Error())
			if eventhub.AccessDeniedBy(err) == eventhub.ServiceStorage {
				c.health.StorageRefuses(err.Error())
			}
			c.log.WithError(err).Warn("balancing round failed, trying again")
		}
		return balanceRetry
	}
	c.health.StorageAccepts()
	pause := time.Duration(float64(balanceInterval) * (1 + 0.2*c.rng.Float64()))
	return min(pause, c.expires)
}

// tryRound does the work of a round under roundCtx. The partitions that it starts run under ctx.
func (c *Consumer) tryRound(ctx, roundCtx context.Context) error {
	if err := c.findPartitions(roundCtx); err != nil {
		return err
	}
	listed, now, err := c.store.ListOwnerships(roundCtx)
	if err != nil {
		return err
	}
	listed = c.withDeleted(listed)
	c.outage.ended(time.Now(), listed, c.ownerID, now)
	c.expires = untilExpiry(listed, c.ownerID, now)
	c.dropLost(listed)
	c.drainGone()
	wanted := c.claimable(c.due(balance(c.partitions, listed, c.ownerID, now, c.rng), now))
	var won []eventhub.Ownership
	for some := range slices.Chunk(wanted, claimsAtOnce) {
		claimed, failures := c.claim(roundCtx, some)
		c.deleted.remember(claimed)
		err = errors.Join(err, failures, c.startWon(ctx, roundCtx, claimed))
		won = append(won, claimed...)
	}
	c.reportOwnership(listed, won, now)
	return err
}

// due returns the wanted ownerships without those of running partitions that need no renewal yet.
func (c *Consumer) due(wanted []eventhub.Ownership, now time.Time) []eventhub.Ownership {
	return slices.DeleteFunc(wanted, func(one eventhub.Ownership) bool {
		deleted := one.Version == ""
		return c.owned[one.Partition] != nil && one.Owner == c.ownerID && !deleted && now.Sub(one.Renewed) < renewAfter
	})
}

// claim claims the wanted partitions at the same time, and returns the ownerships that it won. A partition lost to
// another replica is not an error. Neither is an ownership that was deleted since it was listed: the next round writes
// it again.
func (c *Consumer) claim(ctx context.Context, wanted []eventhub.Ownership) (won []eventhub.Ownership, failures error) {
	claimed, answers := make([]eventhub.Ownership, len(wanted)), make([]error, len(wanted))
	var claims sync.WaitGroup
	for i := range wanted {
		claims.Go(func() { claimed[i], answers[i] = c.store.Claim(ctx, wanted[i]) })
	}
	claims.Wait()
	for i, err := range answers {
		switch {
		case err == nil:
			won = append(won, claimed[i])
		case errors.Is(err, eventhub.ErrConflict):
			c.displace(wanted[i].Partition)
		case errors.Is(err, eventhub.ErrNotFound):
		default:
			failures = errors.Join(failures, err)
		}
	}
	return won, failures
}

// dropLost ends the partitions that another replica owns according to the listing.
func (c *Consumer) dropLost(listed []eventhub.Ownership) {
	for _, ownership := range listed {
		if ownership.Owner != c.ownerID && ownership.Owner != "" {
			c.displace(ownership.Partition)
		}
	}
}

// displace abandons a partition that has another owner: nothing more is posted or written for it.
func (c *Consumer) displace(partition string) {
	if owned := c.owned[partition]; owned != nil {
		owned.abandon(eventhub.ErrDisplaced)
	}
}

// reportOwnership tells health, and so the operator, who owns which partition.
func (c *Consumer) reportOwnership(listed, won []eventhub.Ownership, now time.Time) {
	current := map[string]eventhub.Ownership{}
	for _, ownership := range append(listed, won...) {
		current[ownership.Partition] = ownership
	}
	all := make([]eventhub.Ownership, 0, len(current))
	for _, ownership := range current {
		all = append(all, ownership)
	}
	c.health.Ownership(len(c.owned), len(c.partitions), unowned(c.partitions, all, now))
	c.health.Owners(c.ownerID, owners(c.partitions, all, now))
}
