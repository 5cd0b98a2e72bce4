package e2e

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"github.com/Azure/azure-storage-blob-go/azblob"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/e2e/harness"
)

// The tests in this file show that the parts around the daemon work without it. A failure of another test is then a
// failure of the daemon.

func TestFalcosPluginHandsOnWhatIsPostedToIt(t *testing.T) {
	t.Parallel()
	f := harness.StartFalco(t)
	event := "{\"kind\":\"Event\", \"auditID\":\"a\",\n\"stageTimestamp\":\"2020-05-05T16:16:37.663647Z\"}"
	list := `{"kind":"EventList","items":[` + event + `,` + event + `]}`
	for _, body := range []string{event, list, `not JSON`, `{"kind":"Event"}`, `[]`, event} {
		require.Equal(t, http.StatusOK, post(t, f.URL, body))
	}
	got := f.Await(t, 4)
	want := harness.AsFalcoSees(t, event)
	require.Equal(t, []string{want, want, want, want}, got, "the two bodies that it cannot use and the empty one are missing")
	require.Equal(t, "2020-05-05T16:16:37.663647Z", f.Seen()[0].Timestamp.Format("2006-01-02T15:04:05.999999Z"))
}

func TestFalcosPluginTakesTheRealAuditEvents(t *testing.T) {
	t.Parallel()
	for name, events := range harness.RealAuditEvents(t) {
		f := harness.StartFalco(t)
		var want []string
		for _, event := range events {
			require.Equal(t, http.StatusOK, post(t, f.URL, event), name)
			want = append(want, harness.AsFalcoSees(t, event))
		}
		require.Equal(t, want, f.Await(t, len(want)), name)
	}
}

func TestAzuriteKeepsBlobsAndMetadata(t *testing.T) {
	t.Parallel()
	c := harness.NewBlobs(t)
	require.Empty(t, c.Metadata(t), "a container that does not exist has no blobs")
	_, err := c.URL.Create(t.Context(), nil, azblob.PublicAccessNone)
	require.NoError(t, err)
	blob := c.URL.NewBlockBlobURL("127.0.0.1/hub/$default/checkpoint/0")
	_, err = blob.Upload(t.Context(), bytes.NewReader([]byte("kept")), azblob.BlobHTTPHeaders{},
		azblob.Metadata{"sequencenumber": "7"}, azblob.BlobAccessConditions{}, azblob.DefaultAccessTier, nil,
		azblob.ClientProvidedKeyOptions{}, azblob.ImmutabilityPolicyOptions{})
	require.NoError(t, err)
	require.Equal(t, map[string]map[string]string{
		"127.0.0.1/hub/$default/checkpoint/0": {"sequencenumber": "7"},
	}, c.Metadata(t))
	require.Equal(t, "kept", string(c.Content(t, "127.0.0.1/hub/$default/checkpoint/0")))
}

// post sends a JSON body, and returns the status.
func post(t *testing.T, url, body string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	resp, err := harness.HTTPClient.Do(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	return resp.StatusCode
}
