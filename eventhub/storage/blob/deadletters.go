package blob

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"github.com/Azure/azure-storage-blob-go/azblob"

	"aks-audit-log-go/eventhub"
)

func (b *Store) StoreDeadLetter(ctx context.Context, letter eventhub.DeadLetter) error {
	encoded, err := letter.Encode()
	if err != nil {
		return err
	}
	if err := b.Container.Put(ctx, b.deadLetterPath()+letter.Name(), bytes.NewReader(encoded), "application/json"); err != nil {
		return fmt.Errorf("store dead letter %s: %w", letter.Name(), err)
	}
	return nil
}

func (b *Store) ListDeadLetters(ctx context.Context) ([]string, error) {
	blobs, _, err := b.Container.tryList(ctx, b.deadLetterPath())
	if err != nil {
		return nil, fmt.Errorf("list dead letters: %w", b.Container.explain(err))
	}
	names := make([]string, 0, len(blobs))
	for _, blob := range blobs {
		names = append(names, strings.TrimPrefix(blob.name, b.deadLetterPath()))
	}
	eventhub.SortDeadLetters(names)
	return names, nil
}

// maxDeadLetterSize bounds what is read of a dead letter, in bytes. A body of 1 MB takes up to 6 MB as a JSON string.
const maxDeadLetterSize = 64 << 20

func (b *Store) ReadDeadLetter(ctx context.Context, name string) (eventhub.DeadLetter, error) {
	content, etag, err := b.Container.Get(ctx, b.deadLetterPath()+name, maxDeadLetterSize)
	if err != nil {
		return eventhub.DeadLetter{}, fmt.Errorf("read dead letter %s: %w", name, err)
	}
	letter, err := eventhub.DecodeDeadLetter(name, content)
	letter.Version = string(etag)
	return letter, err
}

func (b *Store) DeleteDeadLetter(ctx context.Context, name string, letter eventhub.DeadLetter) error {
	if err := b.Container.Remove(ctx, b.deadLetterPath()+name, azblob.ETag(letter.Version)); err != nil {
		return fmt.Errorf("delete dead letter %s: %w", name, err)
	}
	return nil
}

func (b *Store) deadLetterPath() string { return b.Scope.Path() + eventhub.DeadLetterFolder }
