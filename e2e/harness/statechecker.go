package harness

import (
	"context"
	"time"

	"aks-audit-log-go/internal/hubtest"
)

// StateChecker compares what a daemon has stored with an Oracle.
type StateChecker struct {
	State  StoredState
	Oracle *Oracle
	Hub    *hubtest.Server
	// Moves is how often a checkpoint has moved.
	Moves int
}

// Check tells the Oracle the dead letters and checkpoints that are stored now. It reads the checkpoints first, because
// every record before them must have its verdict by then.
func (c *StateChecker) Check(ctx context.Context) error {
	checkpoints, err := c.State.Checkpoints(ctx)
	if err != nil {
		return err
	}
	letters, err := c.State.DeadLetters(ctx)
	if err != nil {
		return err
	}
	for _, object := range letters {
		for _, letter := range object.Letters {
			c.Oracle.DeadLetter(letter.Partition, letter.Sequence, letter.Record)
		}
	}
	for partition, sequence := range checkpoints {
		if c.Oracle.Checkpoint(partition, sequence) {
			c.Moves++
		}
	}
	return nil
}

const (
	// trimMargin is how many hub events before the checkpoint Trim leaves in the hub.
	trimMargin = 500
	// trimLasts is for how long one Trim removes dead letters.
	trimLasts = 2 * time.Second
)

// Trim removes the hub events before the checkpoints, as retention does, and their dead letters, as an operator does.
// Otherwise a run of hours would fill the memory. After trimLasts, it leaves the other dead letters to the next Trim.
// Thousands of them take long on a busy machine, and no progress is seen until the next Check.
func (c *StateChecker) Trim(ctx context.Context) error {
	checkpoints, err := c.State.Checkpoints(ctx)
	if err != nil {
		return err
	}
	for partition, sequence := range checkpoints {
		c.Hub.Truncate(partition, sequence-trimMargin)
	}
	letters, err := c.State.DeadLetters(ctx)
	if err != nil {
		return err
	}
	began := time.Now()
	for _, object := range letters {
		if time.Since(began) > trimLasts {
			return nil
		}
		newest := object.Letters[len(object.Letters)-1]
		if newest.Sequence < checkpoints[newest.Partition]-trimMargin {
			if err := c.State.RemoveDeadLetters(ctx, object.Object); err != nil {
				return err
			}
		}
	}
	return nil
}
