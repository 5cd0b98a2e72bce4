package blob

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"github.com/Azure/azure-storage-blob-go/azblob"

	"aks-audit-log-go/eventhub"
)

// StoreDeadLetters implements eventhub.DeadLetterStore.
func (s *Store) StoreDeadLetters(ctx context.Context, letters []eventhub.DeadLetter) error {
	name, encoded, err := eventhub.EncodeDeadLetters(letters)
	if err != nil {
		return err
	}
	if err := s.container.putNew(ctx, s.deadLetterPath()+name, bytes.NewReader(encoded)); err != nil {
		return fmt.Errorf("store dead letter %s: %w", name, err)
	}
	return nil
}

// ListDeadLetters implements eventhub.DeadLetterRecords.
func (s *Store) ListDeadLetters(ctx context.Context) ([]string, error) {
	blobs, err := s.container.list(ctx, s.deadLetterPath())
	if err != nil {
		return nil, fmt.Errorf("list dead letters: %w", err)
	}
	names := make([]string, 0, len(blobs))
	for _, blob := range blobs {
		if name := strings.TrimPrefix(blob.name, s.deadLetterPath()); eventhub.IsDeadLetterName(name) {
			names = append(names, name)
		}
	}
	eventhub.SortDeadLetters(names)
	return names, nil
}

// maxDeadLetterSize is the size of the largest dead letter that is read, in bytes. A body of 1 MB takes up to 6 MB as
// a JSON string.
const maxDeadLetterSize = 64 << 20

// ReadDeadLetters implements eventhub.DeadLetterRecords.
func (s *Store) ReadDeadLetters(ctx context.Context, name string) (letters []eventhub.DeadLetter, version string, err error) {
	content, etag, err := s.container.get(ctx, s.deadLetterPath()+name, maxDeadLetterSize)
	if err != nil {
		return nil, "", fmt.Errorf("read dead letter %s: %w", name, err)
	}
	letters, err = eventhub.DecodeDeadLetters(name, content)
	return letters, string(etag), err
}

// DeleteDeadLetters implements eventhub.DeadLetterRecords.
func (s *Store) DeleteDeadLetters(ctx context.Context, name, version string) error {
	if err := s.container.remove(ctx, s.deadLetterPath()+name, azblob.ETag(version)); err != nil {
		return fmt.Errorf("delete dead letter %s: %w", name, err)
	}
	return nil
}

func (s *Store) deadLetterPath() string { return s.scope.Path() + eventhub.DeadLetterFolder }
