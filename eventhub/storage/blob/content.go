package blob

import (
	"context"
	"fmt"
	"io"

	"github.com/Azure/azure-storage-blob-go/azblob"

	"aks-audit-log-go/eventhub"
)

// put writes a blob, whatever stood there.
func (c Container) Put(ctx context.Context, name string, body io.ReadSeeker, contentType string) error {
	_, err := c.url.NewBlockBlobURL(name).Upload(ctx, body, azblob.BlobHTTPHeaders{ContentType: contentType}, nil,
		azblob.BlobAccessConditions{}, azblob.DefaultAccessTier, nil, azblob.ClientProvidedKeyOptions{}, azblob.ImmutabilityPolicyOptions{})
	if err != nil {
		return c.explain(err)
	}
	return nil
}

// get reads a blob of up to limit bytes whole.
func (c Container) Get(ctx context.Context, name string, limit int64) ([]byte, azblob.ETag, error) {
	answer, err := c.url.NewBlobURL(name).Download(ctx, 0, azblob.CountToEnd, azblob.BlobAccessConditions{}, false, azblob.ClientProvidedKeyOptions{})
	if serviceCode(err) == azblob.ServiceCodeBlobNotFound {
		return nil, "", eventhub.ErrNotFound
	}
	if err != nil {
		return nil, "", c.explain(err)
	}
	body := answer.Body(azblob.RetryReaderOptions{MaxRetryRequests: int(blobRetries.MaxTries)})
	defer func() { _ = body.Close() }()
	content, err := io.ReadAll(io.LimitReader(body, limit+1))
	switch {
	case err != nil:
		return nil, "", c.explain(err)
	case int64(len(content)) > limit:
		return nil, "", fmt.Errorf("it has more than %d bytes", limit)
	}
	return content, answer.ETag(), nil
}

// remove deletes a blob, if it still is as etag says, and otherwise fails with ErrLostRace. One
// that is gone already is no error: the SDK repeats a deletion whose answer was lost.
func (c Container) Remove(ctx context.Context, name string, etag azblob.ETag) error {
	unchanged := azblob.BlobAccessConditions{ModifiedAccessConditions: azblob.ModifiedAccessConditions{IfMatch: etag}}
	_, err := c.url.NewBlobURL(name).Delete(ctx, azblob.DeleteSnapshotsOptionInclude, unchanged)
	switch serviceCode(err) {
	case azblob.ServiceCodeBlobNotFound:
		return nil
	case azblob.ServiceCodeConditionNotMet:
		return eventhub.ErrConflict
	}
	if err != nil {
		return c.explain(err)
	}
	return nil
}
