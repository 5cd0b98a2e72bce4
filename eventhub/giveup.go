package eventhub

import (
	"context"
	"errors"
)

// giveUp writes that nobody owns the partition, unless somebody else does.
func (c *Consumer) giveUp(ctx context.Context, ownership Ownership) error {
	ownership.Owner = ""
	_, err := c.store.Claim(ctx, ownership)
	if !errors.Is(err, ErrLostRace) {
		return err
	}
	// It may have been a renewal of our own that won, whose answer was lost.
	listed, _, err := c.store.ListOwnerships(ctx)
	for _, found := range listed {
		if found.Partition == ownership.Partition && found.Owner == c.me {
			found.Owner = ""
			_, err = c.store.Claim(ctx, found)
		}
	}
	if errors.Is(err, ErrLostRace) {
		return nil
	}
	return err
}
