package e2e

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/e2e/harness"
)

func TestTheStorageMayBeOpenedWithASharedAccessSignature(t *testing.T) {
	t.Parallel()
	hub, s, c := harness.StartHub(t, 1), harness.StartSink(t), harness.NewBlobs(t)
	fed := harness.NewFeed(hub)
	fed.Add(t, 3, 2)
	token := harness.SharedAzurite(t).SAS(t)
	environ := harness.BlobSettings(t, hub, c, s.URL).With(harness.Settings{
		"BLOBSTORAGECONNECTIONSTRING": "BlobEndpoint=" + harness.SharedAzurite(t).Endpoint + "/;SharedAccessSignature=" + token,
		"LOGLEVEL":                    "trace",
	})
	d := harness.StartDaemon(t, environ)
	s.Await(t, fed.Total())
	shown := d.Pages(t)
	d.Stop(t)
	harness.AssertCaughtUp(t, hub, c)
	harness.AssertNobodyOwns(t, hub, c)
	fed.AssertOnceInOrder(t, s.Accepted())

	assertNoSecrets(t, environ, shown+d.Output.String())
	values, err := url.ParseQuery(token)
	require.NoError(t, err)
	require.NotEmpty(t, values.Get("sig"))
	assert.NotContains(t, shown+d.Output.String(), values.Get("sig"))
	assert.NotContains(t, shown+d.Output.String(), url.QueryEscape(values.Get("sig")))
}
