package blob

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/eventhub/azauth"
	"aks-audit-log-go/forwarder/connstr"
	"aks-audit-log-go/internal/azauthtest"
	"aks-audit-log-go/internal/eventhubtest"
	"aks-audit-log-go/internal/hubtest"
)

// startBlobs starts a fake storage account with TLS, and opens a container there with an identity.
func startBlobs(t *testing.T, identity azauthtest.CredentialFunc, answer http.HandlerFunc) container {
	t.Helper()
	certificate, key, err := hubtest.Certificate()
	require.NoError(t, err)
	pair, err := tls.X509KeyPair(certificate, key)
	require.NoError(t, err)
	server := httptest.NewUnstartedServer(answer)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	server.StartTLS()
	t.Cleanup(server.Close)
	c, err := openContainer(connstr.BlobConnection{ServiceURL: server.URL, Entra: true}, "checkpoints", azauth.NewTokenSource(azauth.StorageResource, identity))
	require.NoError(t, err)
	t.Cleanup(c.close)
	return c
}

// refuseWith answers as the service does when it denies access.
func refuseWith(status int, code string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("x-ms-error-code", code)
		http.Error(w, `<?xml version="1.0" encoding="utf-8"?><Error><Code>`+code+`</Code><Message>No.</Message></Error>`, status)
	}
}

func emptyListing(w http.ResponseWriter, _ *http.Request) {
	_, _ = w.Write([]byte(`<?xml version="1.0" encoding="utf-8"?><EnumerationResults><Blobs></Blobs><NextMarker></NextMarker></EnumerationResults>`))
}

func TestEachRequestToTheStorageHasAValidToken(t *testing.T) {
	for life := time.Second; ; life *= 2 {
		if tokensFollowEachOther(t, life) {
			return
		}
		require.Less(t, life, eventhubtest.WaitLimit, "half of the life of a token is too short for two requests")
	}
}

// tokensFollowEachOther checks that requests have the same token until half of its life is over, and then the next
// one. It returns false if the machine was too slow for two requests in that time.
func tokensFollowEachOther(t *testing.T, life time.Duration) bool {
	t.Helper()
	var seen []string
	identity := &azauthtest.Numbered{Life: life}
	c := startBlobs(t, identity.Get, func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.Header.Get("Authorization"))
		emptyListing(w, r)
	})
	list := func() {
		_, _, err := c.listOrCreate(t.Context(), "a/")
		require.NoError(t, err)
	}
	began := time.Now()
	list()
	list()
	if time.Since(began) >= life/2 {
		return false
	}
	assert.Equal(t, []string{"Bearer 1", "Bearer 1"}, seen)
	require.Eventually(t, func() bool { list(); return seen[len(seen)-1] != "Bearer 1" }, eventhubtest.WaitLimit, 10*time.Millisecond)
	assert.Equal(t, "Bearer 2", seen[len(seen)-1])
	return true
}

func TestTheErrorOfADeniedIdentitySaysWhatItNeeds(t *testing.T) {
	const role = `this identity has to have the role "Storage Blob Data Contributor" on the storage account or the container`
	token := "eyJhbGciOiJIUzI1NiJ9.eyJhdWQiOiJ4In0.c2lnbmF0dXJl"
	identity := func(context.Context) (azcore.AccessToken, error) {
		return azcore.AccessToken{Token: token, ExpiresOn: time.Now().Add(time.Hour)}, nil
	}
	for name, test := range map[string]struct {
		status int
		code   string
		want   string
	}{
		"no role":         {403, "AuthorizationPermissionMismatch", "blob storage answered 403 AuthorizationPermissionMismatch: " + role},
		"another tenant":  {401, "InvalidAuthenticationInfo", "blob storage answered 401 InvalidAuthenticationInfo: " + role},
		"another network": {403, "AuthorizationFailure", "blob storage answered 403 AuthorizationFailure: check that the firewall of the account permits this network"},
	} {
		t.Run(name, func(t *testing.T) {
			c := startBlobs(t, identity, refuseWith(test.status, test.code))
			_, _, err := c.listOrCreate(t.Context(), "a/")
			require.ErrorContains(t, err, test.want)
			assert.Equal(t, eventhub.ServiceStorage, eventhub.AccessDeniedBy(err))
			assert.NotContains(t, err.Error(), token)
			_, err = c.writeMetadata(t.Context(), "a/0", nil, "")
			assert.ErrorContains(t, err, test.want)
			_, _, err = c.get(t.Context(), "a/0", 10)
			assert.ErrorContains(t, err, test.want)
		})
	}
}

func TestWithoutATokenNoRequestIsSentToTheStorage(t *testing.T) {
	var requests atomic.Int32
	identity := func(context.Context) (azcore.AccessToken, error) {
		return azcore.AccessToken{}, errors.New("nobody is signed in")
	}
	c := startBlobs(t, identity, func(http.ResponseWriter, *http.Request) { requests.Add(1) })
	_, _, err := c.listOrCreate(t.Context(), "a/")
	require.EqualError(t, err, "no token of Microsoft Entra ID for blob storage: nobody is signed in")
	assert.Equal(t, eventhub.ServiceStorage, eventhub.AccessDeniedBy(err))
	assert.Zero(t, requests.Load())
}

func TestTheErrorOfAnAccountWithoutKeysSaysWhatToSetInstead(t *testing.T) {
	server := httptest.NewServer(refuseWith(403, "KeyBasedAuthenticationNotPermitted"))
	defer server.Close()
	c, err := openContainer(connstr.BlobConnection{ServiceURL: server.URL, AccountName: "a", AccountKey: "a2V5"}, "checkpoints", nil)
	require.NoError(t, err)
	defer c.close()
	_, _, err = c.listOrCreate(t.Context(), "a/")
	require.EqualError(t, err, "blob storage answered 403 KeyBasedAuthenticationNotPermitted: the account forbids keys, "+
		"set BLOBSTORAGEURL instead of BLOBSTORAGECONNECTIONSTRING")
}
