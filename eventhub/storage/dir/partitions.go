package dir

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"aks-audit-log-go/eventhub"
)

// RememberPartitions implements eventhub.CheckpointStore.
func (s *Store) RememberPartitions(_ context.Context, partitions []string) ([]string, error) {
	content, err := os.ReadFile(s.path(eventhub.PartitionsRecord))
	if errors.Is(err, fs.ErrNotExist) {
		return partitions, s.writePartitions(partitions)
	}
	if err != nil {
		return nil, fmt.Errorf("read the remembered partitions: %w", err)
	}
	var stored []string
	if err := json.Unmarshal(content, &stored); err != nil {
		return nil, fmt.Errorf("read the remembered partitions: %w; delete %s", err, s.path(eventhub.PartitionsRecord))
	}
	return stored, nil
}

func (s *Store) writePartitions(partitions []string) error {
	content, err := json.Marshal(partitions)
	if err != nil {
		return fmt.Errorf("encode the partitions: %w", err)
	}
	if err := writeDurably(s.path(""), eventhub.PartitionsRecord, content); err != nil {
		return fmt.Errorf("remember the partitions: %w", err)
	}
	return nil
}
