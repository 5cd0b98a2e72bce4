package blob

import (
	"context"
	"fmt"
	"io"
	"maps"
	"strings"
	"time"

	"github.com/Azure/azure-storage-blob-go/azblob"

	"aks-audit-log-go/eventhub"
)

// entry is a blob as a listing shows it.
type entry struct {
	name     string
	metadata azblob.Metadata
	etag     azblob.ETag
	modified time.Time
	// size is in bytes.
	size int64
}

// listOrCreate returns the blobs whose names begin with prefix, and the service's time. If the container does not
// exist, it creates the container and returns no blobs.
func (c container) listOrCreate(ctx context.Context, prefix string) ([]entry, time.Time, error) {
	entries, now, err := c.listPages(ctx, prefix)
	if serviceCode(err) == azblob.ServiceCodeContainerNotFound {
		if err = c.create(ctx); err != nil {
			return nil, time.Time{}, err
		}
		entries, now, err = c.listPages(ctx, prefix)
	}
	if err != nil {
		return nil, time.Time{}, c.explain(err)
	}
	return entries, now, nil
}

// list returns the blobs whose names begin with prefix. It does not create the container.
func (c container) list(ctx context.Context, prefix string) ([]entry, error) {
	entries, _, err := c.listPages(ctx, prefix)
	if err != nil {
		return nil, c.explain(err)
	}
	return entries, nil
}

// listPages reads all pages of a listing, and the service's time. It returns the SDK's error.
func (c container) listPages(ctx context.Context, prefix string) ([]entry, time.Time, error) {
	options := azblob.ListBlobsSegmentOptions{Prefix: prefix, Details: azblob.BlobListingDetails{Metadata: true}}
	var entries []entry
	var now time.Time
	for marker := (azblob.Marker{}); marker.NotDone(); {
		page, err := c.url.ListBlobsFlatSegment(ctx, marker, options)
		if err != nil {
			return nil, time.Time{}, err
		}
		entries = appendEntries(entries, page.Segment.BlobItems)
		marker, now = page.NextMarker, page.Date()
	}
	return entries, now, nil
}

// listLevel returns the folders and the blobs one level below prefix. Names of folders end in a slash. listLevel does
// not create the container.
func (c container) listLevel(ctx context.Context, prefix string) (folders []string, blobs []entry, err error) {
	options := azblob.ListBlobsSegmentOptions{Prefix: prefix, Details: azblob.BlobListingDetails{Metadata: true}}
	for marker := (azblob.Marker{}); marker.NotDone(); {
		page, err := c.url.ListBlobsHierarchySegment(ctx, marker, "/", options)
		if err != nil {
			return nil, nil, c.explain(err)
		}
		for _, folder := range page.Segment.BlobPrefixes {
			folders = append(folders, folder.Name)
		}
		blobs = appendEntries(blobs, page.Segment.BlobItems)
		marker = page.NextMarker
	}
	return folders, blobs, nil
}

// metaFolder is the metadata key that marks a folder. A storage account with a hierarchical namespace lists each
// folder as an empty blob with this key (Azure/azure-sdk-for-python#13060).
const metaFolder = "hdi_isfolder"

// appendEntries appends the blobs of a listing, without the folders.
func appendEntries(entries []entry, items []azblob.BlobItemInternal) []entry {
	for _, item := range items {
		if e := newEntry(item); !strings.EqualFold(e.metadata[metaFolder], "true") {
			entries = append(entries, e)
		}
	}
	return entries
}

func newEntry(item azblob.BlobItemInternal) entry {
	e := entry{
		name:     item.Name,
		metadata: normalize(item.Metadata),
		etag:     quote(item.Properties.Etag),
		modified: item.Properties.LastModified,
	}
	if item.Properties.ContentLength != nil {
		e.size = *item.Properties.ContentLength
	}
	return e
}

// absent is the condition that no blob of the name exists.
var absent = azblob.BlobAccessConditions{ModifiedAccessConditions: azblob.ModifiedAccessConditions{IfNoneMatch: azblob.ETagAny}}

// writeMetadata sets the metadata of an empty blob if the blob still has etag. If etag is empty, it creates the blob
// if none exists. Otherwise it fails with eventhub.ErrConflict, or with eventhub.ErrNotFound if the blob with etag
// was deleted.
func (c container) writeMetadata(ctx context.Context, name string, metadata azblob.Metadata, etag azblob.ETag) (entry, error) {
	written, err := c.tryWriteMetadata(ctx, name, metadata, etag)
	if err == nil {
		return written, nil
	}
	if !isConflict(err) {
		return entry{}, c.explain(err)
	}
	// The SDK repeats a write whose response was lost. If the first write succeeded, the second one finds a new ETag
	// and fails. So the blob is read, to find out whether it already holds the metadata.
	current, err := c.url.NewBlobURL(name).GetProperties(ctx, azblob.BlobAccessConditions{}, azblob.ClientProvidedKeyOptions{})
	switch {
	case serviceCode(err) == azblob.ServiceCodeBlobNotFound && etag != "":
		return entry{}, eventhub.ErrNotFound
	case serviceCode(err) == azblob.ServiceCodeBlobNotFound: // another replica made it, and it has been deleted since
		return entry{}, eventhub.ErrConflict
	case err != nil:
		return entry{}, c.explain(err)
	}
	if !maps.Equal(normalize(current.NewMetadata()), normalize(metadata)) {
		return entry{}, eventhub.ErrConflict
	}
	return entry{name: name, metadata: metadata, etag: current.ETag(), modified: current.LastModified()}, nil
}

// tryWriteMetadata is writeMetadata, but does not read the blob after a conflict. It returns the SDK's error.
func (c container) tryWriteMetadata(ctx context.Context, name string, metadata azblob.Metadata, etag azblob.ETag) (entry, error) {
	blob := c.url.NewBlockBlobURL(name)
	if etag != "" {
		unchanged := azblob.BlobAccessConditions{ModifiedAccessConditions: azblob.ModifiedAccessConditions{IfMatch: etag}}
		response, err := blob.SetMetadata(ctx, metadata, unchanged, azblob.ClientProvidedKeyOptions{})
		if err != nil {
			return entry{}, err
		}
		return entry{name: name, metadata: metadata, etag: response.ETag(), modified: response.LastModified()}, nil
	}
	response, err := blob.Upload(ctx, strings.NewReader(""), azblob.BlobHTTPHeaders{}, metadata, absent,
		azblob.DefaultAccessTier, nil, azblob.ClientProvidedKeyOptions{}, azblob.ImmutabilityPolicyOptions{})
	if err != nil {
		return entry{}, err
	}
	return entry{name: name, metadata: metadata, etag: response.ETag(), modified: response.LastModified()}, nil
}

// normalize returns metadata in the form in which this package compares it. HTTP headers do not preserve the case of
// keys, and Azurite does not preserve empty values.
func normalize(metadata azblob.Metadata) azblob.Metadata {
	normal := make(azblob.Metadata, len(metadata))
	for key, value := range metadata {
		if value != "" {
			normal[strings.ToLower(key)] = value
		}
	}
	return normal
}

// quote adds quotes to an ETag. A header needs them, and a listing omits them.
func quote(etag azblob.ETag) azblob.ETag {
	if etag == "" || strings.HasPrefix(string(etag), `"`) {
		return etag
	}
	return `"` + etag + `"`
}

// putNew writes a document as a blob, unless a blob of that name exists. The name decides whether its type is JSON or
// gzip.
func (c container) putNew(ctx context.Context, name string, body io.ReadSeeker) error {
	contentType := "application/json"
	if strings.HasSuffix(name, ".gz") {
		contentType = "application/gzip"
	}
	_, err := c.url.NewBlockBlobURL(name).Upload(ctx, body, azblob.BlobHTTPHeaders{ContentType: contentType}, nil,
		absent, azblob.DefaultAccessTier, nil, azblob.ClientProvidedKeyOptions{}, azblob.ImmutabilityPolicyOptions{})
	if err != nil && !isConflict(err) {
		return c.explain(err)
	}
	return nil
}

// get reads a whole blob of up to limit bytes. It fails with eventhub.ErrNotFound if the blob does not exist.
func (c container) get(ctx context.Context, name string, limit int64) ([]byte, azblob.ETag, error) {
	response, err := c.url.NewBlobURL(name).Download(ctx, 0, azblob.CountToEnd, azblob.BlobAccessConditions{}, false, azblob.ClientProvidedKeyOptions{})
	if serviceCode(err) == azblob.ServiceCodeBlobNotFound {
		return nil, "", eventhub.ErrNotFound
	}
	if err != nil {
		return nil, "", c.explain(err)
	}
	body := response.Body(azblob.RetryReaderOptions{MaxRetryRequests: int(retries.MaxTries)})
	defer func() { _ = body.Close() }()
	content, err := io.ReadAll(io.LimitReader(body, limit+1))
	switch {
	case err != nil:
		return nil, "", c.explain(err)
	case int64(len(content)) > limit:
		return nil, "", fmt.Errorf("it has more than %d bytes", limit)
	}
	return content, response.ETag(), nil
}

// remove deletes a blob if it still has etag, and otherwise fails with eventhub.ErrConflict. It succeeds if the blob
// is already gone, because the SDK repeats a deletion whose response was lost.
func (c container) remove(ctx context.Context, name string, etag azblob.ETag) error {
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
