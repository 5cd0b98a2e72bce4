package blob

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/Azure/azure-pipeline-go/pipeline"
	"github.com/Azure/azure-storage-blob-go/azblob"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/eventhub/azauth"
	"aks-audit-log-go/forwarder/connstr"
)

// blobContainer is the one place that talks to Azure Blob Storage.
type Container struct {
	url    azblob.ContainerURL
	client *http.Client
	// tokens is nil where a key or a signature is used.
	tokens *azauth.TokenSource
}

// blobEntry is a blob as a listing shows it.
type blobEntry struct {
	name     string
	metadata azblob.Metadata
	Etag     azblob.ETag
	modified time.Time
	// size is in bytes.
	size int64
}

// The storage account answers in milliseconds. A try that takes longer than this is lost, and a
// listing that hangs must not last until our ownerships expire (Azure/azure-sdk-for-go#22487).
var blobRetries = azblob.RetryOptions{
	MaxTries:      3,
	TryTimeout:    5 * time.Second,
	RetryDelay:    200 * time.Millisecond,
	MaxRetryDelay: time.Second,
}

// newBlobContainer sets up access to a container, with tokens where blob has neither key nor
// signature. It does not connect yet.
func newBlobContainer(blob connstr.BlobConnection, name string, tokens *azauth.TokenSource) (Container, error) {
	address, err := url.Parse(blob.ServiceURL)
	if err != nil {
		return Container{}, errors.New("blob service address is no URL")
	}
	credential, err := blobCredential(blob)
	if err != nil {
		return Container{}, err
	}
	// Where a URL has no path, JoinPath makes one without a slash before it, which no server takes.
	address.Path = cmp.Or(address.Path, "/")
	address = address.JoinPath(name)
	address.RawQuery = blob.SAS.Reveal()
	client := &http.Client{Transport: &http.Transport{
		Proxy:               azauth.HideProxyValue(http.ProxyFromEnvironment),
		TLSHandshakeTimeout: blobRetries.TryTimeout,
		// A renewal follows the last within 12 s, so the connection to the account stays.
		IdleConnTimeout: time.Minute,
	}}
	container := Container{client: client, tokens: tokens}
	container.url = azblob.NewContainerURL(*address, container.pipeline(credential))
	return container, nil
}

func blobCredential(blob connstr.BlobConnection) (azblob.Credential, error) {
	if blob.SAS != "" || blob.Entra {
		return azblob.NewAnonymousCredential(), nil
	}
	credential, err := azblob.NewSharedKeyCredential(blob.AccountName, blob.AccountKey.Reveal())
	if err != nil {
		return nil, errors.New("the AccountKey of the blob connection string is not base64")
	}
	return credential, nil
}

// pipeline is the SDK's own, with an HTTP client that can be closed and without its habit of
// writing to syslog.
func (c Container) pipeline(credential azblob.Credential) pipeline.Pipeline {
	send := func(pipeline.Policy, *pipeline.PolicyOptions) pipeline.PolicyFunc {
		return func(ctx context.Context, request pipeline.Request) (pipeline.Response, error) {
			if err := c.signIn(ctx, request); err != nil {
				return nil, err
			}
			response, err := c.client.Do(request.WithContext(ctx)) //nolint:bodyclose // the SDK closes it
			if err != nil {
				return nil, pipeline.NewError(err, "send")
			}
			return pipeline.NewHTTPResponse(response), nil
		}
	}
	return azblob.NewPipeline(credential, azblob.PipelineOptions{
		Retry:      blobRetries,
		RequestLog: azblob.RequestLogOptions{LogWarningIfTryOverThreshold: -1, SyslogDisabled: true},
		HTTPSender: pipeline.FactoryFunc(send),
	})
}

func (c Container) close() {
	c.tokens.Close()
	c.client.CloseIdleConnections()
}

// create makes the container, unless somebody else just has.
func (c Container) create(ctx context.Context) error {
	_, err := c.url.Create(ctx, azblob.Metadata{}, azblob.PublicAccessNone)
	if err == nil || serviceCode(err) == azblob.ServiceCodeContainerAlreadyExists {
		return nil
	}
	return c.notMade(err)
}

// list returns the blobs whose names begin with prefix, and the time by the service's clock. A
// container that does not exist is created, and empty.
func (c Container) list(ctx context.Context, prefix string) ([]blobEntry, time.Time, error) {
	entries, now, err := c.tryList(ctx, prefix)
	if serviceCode(err) == azblob.ServiceCodeContainerNotFound {
		if err = c.create(ctx); err != nil {
			return nil, time.Time{}, err
		}
		entries, now, err = c.tryList(ctx, prefix)
	}
	if err != nil {
		return nil, time.Time{}, c.explain(err)
	}
	return entries, now, nil
}

func (c Container) tryList(ctx context.Context, prefix string) ([]blobEntry, time.Time, error) {
	options := azblob.ListBlobsSegmentOptions{Prefix: prefix, Details: azblob.BlobListingDetails{Metadata: true}}
	var entries []blobEntry
	var now time.Time
	for marker := (azblob.Marker{}); marker.NotDone(); {
		page, err := c.url.ListBlobsFlatSegment(ctx, marker, options)
		if err != nil {
			return nil, time.Time{}, err
		}
		for _, item := range page.Segment.BlobItems {
			entries = append(entries, entryOf(item))
		}
		marker, now = page.NextMarker, page.Date()
	}
	return entries, now, nil
}

func entryOf(item azblob.BlobItemInternal) blobEntry {
	entry := blobEntry{
		name:     item.Name,
		metadata: plain(item.Metadata),
		Etag:     quoted(item.Properties.Etag),
		modified: item.Properties.LastModified,
	}
	if item.Properties.ContentLength != nil {
		entry.size = *item.Properties.ContentLength
	}
	return entry
}

// level returns what stands one level below prefix: the names that end in a slash, and the blobs,
// without their metadata.
func (c Container) Level(ctx context.Context, prefix string) (folders []string, blobs []blobEntry, err error) {
	for marker := (azblob.Marker{}); marker.NotDone(); {
		page, err := c.url.ListBlobsHierarchySegment(ctx, marker, "/", azblob.ListBlobsSegmentOptions{Prefix: prefix})
		if err != nil {
			return nil, nil, c.explain(err)
		}
		for _, folder := range page.Segment.BlobPrefixes {
			folders = append(folders, folder.Name)
		}
		for _, item := range page.Segment.BlobItems {
			blobs = append(blobs, entryOf(item))
		}
		marker = page.NextMarker
	}
	return folders, blobs, nil
}

// writeMetadata sets the metadata of an empty blob, if the blob is still as etag says, or
// creates it if etag is empty and there is none. Otherwise it fails with ErrLostRace.
func (c Container) WriteMetadata(ctx context.Context, name string, metadata azblob.Metadata, etag azblob.ETag) (blobEntry, error) {
	written, err := c.tryWriteMetadata(ctx, name, metadata, etag)
	if err == nil {
		return written, nil
	}
	if !isConflict(err) {
		return blobEntry{}, c.explain(err)
	}
	// The SDK repeats a write whose answer was lost. If the first one had worked, the second
	// meets our own ETag: what stands there tells.
	current, err := c.url.NewBlobURL(name).GetProperties(ctx, azblob.BlobAccessConditions{}, azblob.ClientProvidedKeyOptions{})
	if err != nil {
		if serviceCode(err) == azblob.ServiceCodeBlobNotFound {
			return blobEntry{}, eventhub.ErrConflict
		}
		return blobEntry{}, c.explain(err)
	}
	if !maps.Equal(plain(current.NewMetadata()), plain(metadata)) {
		return blobEntry{}, eventhub.ErrConflict
	}
	return blobEntry{name: name, metadata: metadata, Etag: current.ETag(), modified: current.LastModified()}, nil
}

func (c Container) tryWriteMetadata(ctx context.Context, name string, metadata azblob.Metadata, etag azblob.ETag) (blobEntry, error) {
	blob := c.url.NewBlockBlobURL(name)
	if etag != "" {
		unchanged := azblob.BlobAccessConditions{ModifiedAccessConditions: azblob.ModifiedAccessConditions{IfMatch: etag}}
		answer, err := blob.SetMetadata(ctx, metadata, unchanged, azblob.ClientProvidedKeyOptions{})
		if err != nil {
			return blobEntry{}, err
		}
		return blobEntry{name: name, metadata: metadata, Etag: answer.ETag(), modified: answer.LastModified()}, nil
	}
	absent := azblob.BlobAccessConditions{ModifiedAccessConditions: azblob.ModifiedAccessConditions{IfNoneMatch: azblob.ETagAny}}
	answer, err := blob.Upload(ctx, strings.NewReader(""), azblob.BlobHTTPHeaders{}, metadata, absent,
		azblob.DefaultAccessTier, nil, azblob.ClientProvidedKeyOptions{}, azblob.ImmutabilityPolicyOptions{})
	if err != nil {
		return blobEntry{}, err
	}
	return blobEntry{name: name, metadata: metadata, Etag: answer.ETag(), modified: answer.LastModified()}, nil
}

// plain writes metadata as this package compares it: HTTP headers do not keep the case of keys,
// and Azurite does not keep empty values.
func plain(metadata azblob.Metadata) azblob.Metadata {
	kept := make(azblob.Metadata, len(metadata))
	for key, value := range metadata {
		if value != "" {
			kept[strings.ToLower(key)] = value
		}
	}
	return kept
}

// quoted gives an ETag the quotes that a header wants and a listing leaves out.
func quoted(etag azblob.ETag) azblob.ETag {
	if etag == "" || strings.HasPrefix(string(etag), `"`) {
		return etag
	}
	return `"` + etag + `"`
}

func isConflict(err error) bool {
	switch serviceCode(err) {
	case azblob.ServiceCodeConditionNotMet, azblob.ServiceCodeBlobAlreadyExists, azblob.ServiceCodeBlobNotFound:
		return true
	}
	return false
}

func serviceCode(err error) azblob.ServiceCodeType {
	var failure azblob.StorageError
	if errors.As(err, &failure) {
		return failure.ServiceCode()
	}
	return ""
}
