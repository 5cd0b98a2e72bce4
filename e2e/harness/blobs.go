package harness

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-pipeline-go/pipeline"
	"github.com/Azure/azure-storage-blob-go/azblob"
	"github.com/stretchr/testify/require"
)

// Blobs is a blob container in Azurite. It is read and written without the daemon's own code.
type Blobs struct {
	Name string
	URL  azblob.ContainerURL
}

// NewBlobs returns a container with a random name that does not exist yet.
func NewBlobs(t *testing.T) Blobs {
	t.Helper()
	a := SharedAzurite(t)
	endpoint, err := url.Parse(a.Endpoint)
	require.NoError(t, err)
	credential, err := azblob.NewSharedKeyCredential(StorageAccount, a.Key)
	require.NoError(t, err)
	p := azblob.NewPipeline(credential, azblob.PipelineOptions{HTTPSender: pipeline.FactoryFunc(sendBlobRequest)})
	name := "e2e-" + strings.ToLower(rand.Text())
	return Blobs{Name: name, URL: azblob.NewServiceURL(*endpoint, p).NewContainerURL(name)}
}

// sendBlobRequest sends with HTTPClient. Unlike azblob's own client, HTTPClient keeps no connection open.
func sendBlobRequest(_ pipeline.Policy, _ *pipeline.PolicyOptions) pipeline.PolicyFunc {
	return func(ctx context.Context, request pipeline.Request) (pipeline.Response, error) {
		resp, err := HTTPClient.Do(request.WithContext(ctx))
		return pipeline.NewHTTPResponse(resp), err
	}
}

// Metadata returns the metadata of all blobs, by name. A container that does not exist has none.
func (c Blobs) Metadata(t *testing.T) map[string]map[string]string {
	t.Helper()
	blobs := map[string]map[string]string{}
	for marker := (azblob.Marker{}); marker.NotDone(); {
		page, err := c.URL.ListBlobsFlatSegment(t.Context(), marker, azblob.ListBlobsSegmentOptions{
			Details: azblob.BlobListingDetails{Metadata: true},
		})
		if isNotFound(err) {
			return blobs
		}
		require.NoError(t, err)
		for _, item := range page.Segment.BlobItems {
			blobs[item.Name] = item.Metadata
		}
		marker = page.NextMarker
	}
	return blobs
}

// Content returns the content of one blob.
func (c Blobs) Content(t *testing.T, name string) []byte {
	t.Helper()
	resp, err := c.URL.NewBlobURL(name).Download(t.Context(), 0, azblob.CountToEnd,
		azblob.BlobAccessConditions{}, false, azblob.ClientProvidedKeyOptions{})
	require.NoError(t, err)
	body := resp.Body(azblob.RetryReaderOptions{})
	defer func() { _ = body.Close() }()
	content, err := io.ReadAll(body)
	require.NoError(t, err)
	return content
}

// Put creates the container, and in it an empty blob with metadata.
func (c Blobs) Put(t *testing.T, name string, metadata map[string]string) {
	t.Helper()
	_, err := c.URL.Create(t.Context(), nil, azblob.PublicAccessNone)
	require.NoError(t, err)
	c.Add(t, name, metadata)
}

// Add creates an empty blob with metadata in an existing container.
func (c Blobs) Add(t *testing.T, name string, metadata map[string]string) {
	t.Helper()
	_, err := c.URL.NewBlockBlobURL(name).Upload(t.Context(), bytes.NewReader(nil), azblob.BlobHTTPHeaders{},
		azblob.Metadata(metadata), azblob.BlobAccessConditions{}, azblob.DefaultAccessTier, nil,
		azblob.ClientProvidedKeyOptions{}, azblob.ImmutabilityPolicyOptions{})
	require.NoError(t, err)
}

// isNotFound reports whether the storage answered 404.
func isNotFound(err error) bool {
	var storageErr azblob.StorageError
	return errors.As(err, &storageErr) && storageErr.Response().StatusCode == http.StatusNotFound
}

// Renewals returns the ETag of a partition's ownership blob. Each renewal changes it.
func (c Blobs) Renewals(t *testing.T, partition string) azblob.ETag {
	t.Helper()
	properties, err := c.URL.NewBlobURL(OwnershipPath+partition).GetProperties(t.Context(), azblob.BlobAccessConditions{}, azblob.ClientProvidedKeyOptions{})
	require.NoError(t, err)
	return properties.ETag()
}

// Written returns when a blob was last written, in whole seconds.
func (c Blobs) Written(t *testing.T, name string) time.Time {
	t.Helper()
	properties, err := c.URL.NewBlobURL(name).GetProperties(t.Context(), azblob.BlobAccessConditions{}, azblob.ClientProvidedKeyOptions{})
	require.NoError(t, err)
	return properties.LastModified()
}

// Write creates a blob with content. If the container does not exist, Write creates it first.
func (c Blobs) Write(t *testing.T, name, content string) {
	t.Helper()
	_, err := c.URL.Create(t.Context(), nil, azblob.PublicAccessNone)
	if !isConflict(err) {
		require.NoError(t, err)
	}
	_, err = c.URL.NewBlockBlobURL(name).Upload(t.Context(), strings.NewReader(content), azblob.BlobHTTPHeaders{},
		nil, azblob.BlobAccessConditions{}, azblob.DefaultAccessTier, nil,
		azblob.ClientProvidedKeyOptions{}, azblob.ImmutabilityPolicyOptions{})
	require.NoError(t, err)
}

// isConflict reports whether the storage answered 409, which it does if the container already exists.
func isConflict(err error) bool {
	var storageErr azblob.StorageError
	return errors.As(err, &storageErr) && storageErr.Response().StatusCode == http.StatusConflict
}

// NewEmptyBlobs creates an empty container and returns it.
func NewEmptyBlobs(t *testing.T) Blobs {
	t.Helper()
	c := NewBlobs(t)
	_, err := c.URL.Create(t.Context(), nil, azblob.PublicAccessNone)
	require.NoError(t, err)
	return c
}
