package blob

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/Azure/azure-storage-blob-go/azblob"

	"aks-audit-log-go/eventhub"
)

// metaPartitions is the metadata key of the ids of the partitions, separated by commas.
const metaPartitions = "partitions"

// RememberPartitions implements eventhub.CheckpointStore. If several replicas store their partitions at the same
// time, one succeeds, and all return the partitions that it stored.
func (s *Store) RememberPartitions(ctx context.Context, partitions []string) ([]string, error) {
	name := s.scope.Path() + eventhub.PartitionsRecord
	_, err := s.container.writeMetadata(ctx, name, azblob.Metadata{metaPartitions: strings.Join(partitions, ",")}, "")
	if err == nil {
		return partitions, nil
	}
	if !errors.Is(err, eventhub.ErrConflict) {
		return nil, fmt.Errorf("remember the partitions: %w", err)
	}
	stored, err := s.container.url.NewBlobURL(name).GetProperties(ctx, azblob.BlobAccessConditions{}, azblob.ClientProvidedKeyOptions{})
	if err != nil {
		return nil, fmt.Errorf("remember the partitions: %w", s.container.explain(err))
	}
	return strings.Split(normalize(stored.NewMetadata())[metaPartitions], ","), nil
}
