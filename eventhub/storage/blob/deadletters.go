package blob

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"github.com/Azure/azure-storage-blob-go/azblob"

	"aks-audit-log-go/eventhub"
)

// StoreDeadLetter implements eventhub.DeadLetterStore.
func (s *Store) StoreDeadLetter(ctx context.Context, letter eventhub.DeadLetter) error {
	encoded, err := letter.Encode()
	if err != nil {
		return err
	}
	if err := s.container.putNew(ctx, s.deadLetterPath()+letter.Name(), bytes.NewReader(encoded)); err != nil {
		return fmt.Errorf("store dead letter %s: %w", letter.Name(), err)
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

// maxDeadLetterSize bounds what is read of a dead letter, in bytes. A body of 1 MB takes up to 6 MB as a JSON string.
const maxDeadLetterSize = 64 << 20

// ReadDeadLetter implements eventhub.DeadLetterRecords.
func (s *Store) ReadDeadLetter(ctx context.Context, name string) (eventhub.DeadLetter, error) {
	content, etag, err := s.container.get(ctx, s.deadLetterPath()+name, maxDeadLetterSize)
	if err != nil {
		return eventhub.DeadLetter{}, fmt.Errorf("read dead letter %s: %w", name, err)
	}
	letter, err := eventhub.DecodeDeadLetter(name, content)
	letter.Version = string(etag)
	return letter, err
}

// DeleteDeadLetter implements eventhub.DeadLetterRecords.
func (s *Store) DeleteDeadLetter(ctx context.Context, name string, letter eventhub.DeadLetter) error {
	if err := s.container.remove(ctx, s.deadLetterPath()+name, azblob.ETag(letter.Version)); err != nil {
		return fmt.Errorf("delete dead letter %s: %w", name, err)
	}
	return nil
}

func (s *Store) deadLetterPath() string { return s.scope.Path() + eventhub.DeadLetterFolder }
