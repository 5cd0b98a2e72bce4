package e2e

import (
	"net/url"
	"testing"
	"time"

	"github.com/Azure/azure-storage-blob-go/azblob"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// sas makes a shared access signature for the account's blobs, without the leading "?".
func (a *azurite) sas(t *testing.T) string {
	t.Helper()
	credential, err := azblob.NewSharedKeyCredential(storageAccount, a.key)
	require.NoError(t, err)
	parameters, err := azblob.AccountSASSignatureValues{
		Protocol:      azblob.SASProtocolHTTPSandHTTP,
		ExpiryTime:    time.Now().Add(time.Hour),
		Permissions:   azblob.AccountSASPermissions{Read: true, Write: true, Delete: true, List: true, Add: true, Create: true}.String(),
		Services:      azblob.AccountSASServices{Blob: true}.String(),
		ResourceTypes: azblob.AccountSASResourceTypes{Service: true, Container: true, Object: true}.String(),
	}.NewSASQueryParameters(credential)
	require.NoError(t, err)
	return parameters.Encode()
}

func TestTheStorageMayBeOpenedWithASharedAccessSignature(t *testing.T) {
	t.Parallel()
	hub, s, c := startHub(t, 1), startSink(t), newContainer(t)
	fed := newFeed(hub)
	fed.add(t, 3, 2)
	token := storage(t).sas(t)
	environ := blobSettings(t, hub, c, s.URL).with(settings{
		"BLOBSTORAGECONNECTIONSTRING": "BlobEndpoint=" + storage(t).endpoint + "/;SharedAccessSignature=" + token,
		"LOGLEVEL":                    "trace",
	})
	d := startDaemon(t, environ)
	s.await(t, fed.total())
	shown := d.pages(t)
	d.stop(t)
	assertCaughtUp(t, hub, c)
	assertNobodyOwns(t, hub, c)
	fed.assertOnceInOrder(t, s.accepted())

	assertNoSecrets(t, environ, shown+d.out.String())
	values, err := url.ParseQuery(token)
	require.NoError(t, err)
	require.NotEmpty(t, values.Get("sig"))
	assert.NotContains(t, shown+d.out.String(), values.Get("sig"))
	assert.NotContains(t, shown+d.out.String(), url.QueryEscape(values.Get("sig")))
}
