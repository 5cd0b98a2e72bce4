package consumer

import (
	"context"
	"errors"

	"github.com/sirupsen/logrus"

	"aks-audit-log-go/eventhub"
)

// restoringStore writes deleted checkpoints of this replica again: the owner of the partition knows its position. If
// another replica took the partition, its ownership or its checkpoint exists, and the write fails with ErrConflict.
type restoringStore struct {
	eventhub.Store
	ownerID string
	log     logrus.FieldLogger
}

// UpdateCheckpoint implements eventhub.CheckpointStore.
func (s restoringStore) UpdateCheckpoint(ctx context.Context, checkpoint eventhub.Checkpoint) (eventhub.Checkpoint, error) {
	updated, err := s.Store.UpdateCheckpoint(ctx, checkpoint)
	if !errors.Is(err, eventhub.ErrNotFound) {
		return updated, err
	}
	if err = s.assertOwned(ctx, checkpoint.Partition); err != nil {
		return eventhub.Checkpoint{}, err
	}
	checkpoint.Version = "" // only if there is still none
	updated, err = s.Store.UpdateCheckpoint(ctx, checkpoint)
	if err == nil {
		s.log.WithFields(logrus.Fields{"partition": checkpoint.Partition, "sequence": checkpoint.Sequence}).
			Warn("the checkpoint was deleted from the storage: written again, no event is lost or repeated; find out what deletes it")
	}
	return updated, err
}

// assertOwned returns ErrConflict if another replica owns the partition. A missing ownership proves nothing: it was
// deleted too, and the next round writes it again.
func (s restoringStore) assertOwned(ctx context.Context, partition string) error {
	listed, _, err := s.ListOwnerships(ctx)
	for _, ownership := range listed {
		if ownership.Partition == partition && ownership.Owner != "" && ownership.Owner != s.ownerID {
			return eventhub.ErrConflict
		}
	}
	return err
}
