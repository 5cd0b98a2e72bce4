package consumer

import (
	"context"
	"errors"

	"aks-audit-log-go/eventhub"
)

// relinquish writes that nobody owns the partition, unless another replica does.
func (c *Consumer) relinquish(ctx context.Context, ownership eventhub.Ownership) error {
	ownership.Owner = ""
	_, err := c.store.Claim(ctx, ownership)
	if errors.Is(err, eventhub.ErrNotFound) { // it was deleted
		ownership.Version = ""
		_, err = c.store.Claim(ctx, ownership)
	}
	if !errors.Is(err, eventhub.ErrConflict) {
		return err
	}
	// The conflict may be with our own renewal whose answer was lost.
	listed, _, err := c.store.ListOwnerships(ctx)
	for _, found := range listed {
		if found.Partition == ownership.Partition && found.Owner == c.ownerID {
			found.Owner = ""
			_, err = c.store.Claim(ctx, found)
		}
	}
	if errors.Is(err, eventhub.ErrConflict) {
		return nil
	}
	return err
}
