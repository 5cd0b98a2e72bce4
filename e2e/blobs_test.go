package e2e

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

	"github.com/Azure/azure-pipeline-go/pipeline"
	"github.com/Azure/azure-storage-blob-go/azblob"
	"github.com/stretchr/testify/require"
)

// container is one blob container in Azurite, as an operator would look at it.
type container struct {
	name string
	url  azblob.ContainerURL
}

// newContainer names a container of the test's own, which does not exist yet.
func newContainer(t *testing.T) container {
	t.Helper()
	a := storage(t)
	endpoint, err := url.Parse(a.endpoint)
	require.NoError(t, err)
	credential, err := azblob.NewSharedKeyCredential(storageAccount, a.key)
	require.NoError(t, err)
	p := azblob.NewPipeline(credential, azblob.PipelineOptions{HTTPSender: pipeline.FactoryFunc(sendBlobRequest)})
	name := "e2e-" + strings.ToLower(rand.Text())
	return container{name: name, url: azblob.NewServiceURL(*endpoint, p).NewContainerURL(name)}
}

// sendBlobRequest keeps no connection open, unlike azblob's own client.
func sendBlobRequest(_ pipeline.Policy, _ *pipeline.PolicyOptions) pipeline.PolicyFunc {
	return func(ctx context.Context, request pipeline.Request) (pipeline.Response, error) {
		resp, err := testClient.Do(request.WithContext(ctx))
		return pipeline.NewHTTPResponse(resp), err
	}
}

// metadata lists the container's blobs: name to metadata. A container that is missing has none.
func (c container) metadata(t *testing.T) map[string]map[string]string {
	t.Helper()
	blobs := map[string]map[string]string{}
	for marker := (azblob.Marker{}); marker.NotDone(); {
		page, err := c.url.ListBlobsFlatSegment(t.Context(), marker, azblob.ListBlobsSegmentOptions{
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

// content reads one blob whole.
func (c container) content(t *testing.T, name string) []byte {
	t.Helper()
	resp, err := c.url.NewBlobURL(name).Download(t.Context(), 0, azblob.CountToEnd,
		azblob.BlobAccessConditions{}, false, azblob.ClientProvidedKeyOptions{})
	require.NoError(t, err)
	body := resp.Body(azblob.RetryReaderOptions{})
	defer func() { _ = body.Close() }()
	content, err := io.ReadAll(body)
	require.NoError(t, err)
	return content
}

// put makes the container, and in it an empty blob with metadata.
func (c container) put(t *testing.T, name string, metadata map[string]string) {
	t.Helper()
	_, err := c.url.Create(t.Context(), nil, azblob.PublicAccessNone)
	require.NoError(t, err)
	c.add(t, name, metadata)
}

// add makes an empty blob with metadata.
func (c container) add(t *testing.T, name string, metadata map[string]string) {
	t.Helper()
	_, err := c.url.NewBlockBlobURL(name).Upload(t.Context(), bytes.NewReader(nil), azblob.BlobHTTPHeaders{},
		azblob.Metadata(metadata), azblob.BlobAccessConditions{}, azblob.DefaultAccessTier, nil,
		azblob.ClientProvidedKeyOptions{}, azblob.ImmutabilityPolicyOptions{})
	require.NoError(t, err)
}

// isNotFound says whether the storage answered 404.
func isNotFound(err error) bool {
	var storageErr azblob.StorageError
	return errors.As(err, &storageErr) && storageErr.Response().StatusCode == http.StatusNotFound
}

// renewals tells versions of a partition's ownership apart: each renewal changes it.
func (c container) renewals(t *testing.T, partition string) azblob.ETag {
	t.Helper()
	properties, err := c.url.NewBlobURL(ownershipPath+partition).GetProperties(t.Context(), azblob.BlobAccessConditions{}, azblob.ClientProvidedKeyOptions{})
	require.NoError(t, err)
	return properties.ETag()
}
