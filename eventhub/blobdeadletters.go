package eventhub

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"github.com/Azure/azure-storage-blob-go/azblob"
)

func (b *blobStore) StoreDeadLetter(ctx context.Context, letter DeadLetter) error {
	encoded, err := letter.encode()
	if err != nil {
		return err
	}
	if err := b.container.put(ctx, b.deadLetterPath()+letter.name(), bytes.NewReader(encoded), "application/json"); err != nil {
		return fmt.Errorf("store dead letter %s: %w", letter.name(), err)
	}
	return nil
}

func (b *blobStore) ListDeadLetters(ctx context.Context) ([]string, error) {
	blobs, _, err := b.container.tryList(ctx, b.deadLetterPath())
	if err != nil {
		return nil, fmt.Errorf("list dead letters: %w", b.container.explain(err))
	}
	names := make([]string, 0, len(blobs))
	for _, blob := range blobs {
		names = append(names, strings.TrimPrefix(blob.name, b.deadLetterPath()))
	}
	sortDeadLetters(names)
	return names, nil
}

func (b *blobStore) ReadDeadLetter(ctx context.Context, name string) (DeadLetter, error) {
	content, etag, err := b.container.get(ctx, b.deadLetterPath()+name, maxDeadLetterSize)
	if err != nil {
		return DeadLetter{}, fmt.Errorf("read dead letter %s: %w", name, err)
	}
	letter, err := decodeDeadLetter(name, content)
	letter.version = string(etag)
	return letter, err
}

func (b *blobStore) DeleteDeadLetter(ctx context.Context, name string, letter DeadLetter) error {
	if err := b.container.remove(ctx, b.deadLetterPath()+name, azblob.ETag(letter.version)); err != nil {
		return fmt.Errorf("delete dead letter %s: %w", name, err)
	}
	return nil
}

func (b *blobStore) deadLetterPath() string { return b.scope.path() + deadLetterFolder }
