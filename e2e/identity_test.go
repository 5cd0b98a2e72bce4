package e2e

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/internal/hubtest"
)

const (
	storageAudience = "https://storage.azure.com"
	hubRole         = `has to have the role \"Azure Event Hubs Data Receiver\" on the Event Hubs namespace or the hub`
	storageRole     = `has to have the role \"Storage Blob Data Contributor\" on the storage account or the container`
)

// sharedSecureAzurite is the one Azurite of a test run that takes tokens, which it does over TLS only.
var sharedSecureAzurite = sync.OnceValues(func() (*azurite, error) {
	certificate, key, err := hubtest.Certificate()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "azurite")
	if err != nil {
		return nil, err
	}
	shared.add(func() error { return os.RemoveAll(dir) })
	certificateFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	if err := os.WriteFile(certificateFile, certificate, 0o600); err != nil {
		return nil, err
	}
	if err := os.WriteFile(keyFile, key, 0o600); err != nil {
		return nil, err
	}
	// It is for all tests, and ends with the process.
	return startAzurite(context.Background(), "--oauth", "basic", "--cert", certificateFile, "--key", keyFile)
})

// roleGate stands before Azurite, which knows no roles, and lets nobody through whose role is gone.
type roleGate struct {
	*httptest.Server
	revoked atomic.Bool
	// refused is how many requests came with a bad token or none.
	refused atomic.Int32
}

func startRoleGate(t *testing.T) *roleGate {
	t.Helper()
	a, err := sharedSecureAzurite()
	require.NoError(t, err)
	target, err := url.Parse(a.endpoint)
	require.NoError(t, err)
	ca, err := hubtest.CA()
	require.NoError(t, err)
	roots := x509.NewCertPool()
	require.True(t, roots.AppendCertsFromPEM(ca))
	g := &roleGate{}
	forward := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: target.Scheme, Host: target.Host})
	forward.Transport = &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}
	forward.ModifyResponse = func(answer *http.Response) error {
		if answer.StatusCode == http.StatusUnauthorized || answer.StatusCode == http.StatusForbidden {
			g.refused.Add(1)
		}
		return nil
	}
	g.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if g.revoked.Load() {
			w.Header().Set("x-ms-error-code", "AuthorizationPermissionMismatch")
			http.Error(w, `<?xml version="1.0" encoding="utf-8"?><Error><Code>AuthorizationPermissionMismatch</Code></Error>`, http.StatusForbidden)
			return
		}
		forward.ServeHTTP(w, r)
	}))
	g.TLS = serverTLS(t)
	g.StartTLS()
	t.Cleanup(g.Close)
	return g
}

// keyless is a hub, a storage and a sink without a key among them, and the identity that they know.
type keyless struct {
	entra   *tokenEndpoint
	hub     *hubtest.Server
	storage *roleGate
	sink    *sink
	environ settings
}

func startKeyless(t *testing.T) *keyless {
	t.Helper()
	k := &keyless{entra: startTokenEndpoint(t), storage: startRoleGate(t), sink: startSink(t)}
	var err error
	k.hub, err = hubtest.Start(hubtest.Config{Hub: hubName, Partitions: 2, TokenKey: k.entra.key})
	require.NoError(t, err)
	t.Cleanup(k.hub.Close)
	k.environ = hubSettings(t, k.hub, k.sink.URL).with(k.entra.settings(t)).with(settings{
		"EHUBNAMESPACECONNECTIONSTRING": "",
		"EVENTHUBNAMESPACE":             hostOf(k.hub),
		"BLOBSTORAGEURL":                k.storage.URL + "/" + storageAccount,
		"BLOBCONTAINERNAME":             newContainer(t).name,
		"CHECKPOINTINTERVAL":            "100ms",
		"LOGLEVEL":                      "trace",
	})
	return k
}

func TestAWorkloadIdentityNeedsNoKey(t *testing.T) {
	t.Parallel()
	for _, client := range []string{newClient, oldClient} {
		t.Run(client, func(t *testing.T) {
			t.Parallel()
			k := startKeyless(t)
			fed := newFeed(k.hub)
			fed.add(t, 3, 2)
			d := startDaemon(t, k.environ.with(settings{"EVENTHUBCLIENT": client}))
			k.sink.await(t, fed.total())
			d.awaitReady(t)
			shown := d.pages(t)
			d.stop(t)
			shown += d.out.String()
			for _, partition := range showCheckpoints(t, k.environ.with(settings{"EVENTHUBCLIENT": client})) {
				assert.Zero(t, *partition.Lag, "the commands sign in as the daemon does")
			}
			assert.Contains(t, shown, `"hub_sign_in":"Microsoft Entra ID"`)
			assert.Contains(t, shown, `"blob_sign_in":"Microsoft Entra ID"`)
			k.entra.assertNoToken(t, shown)
			assert.Equal(t, 2, k.entra.given(hubtest.HubAudience), "one for each process")
			assert.Equal(t, 2, k.entra.given(storageAudience))
			assert.Zero(t, k.storage.refused.Load())

			again := startDaemon(t, k.environ)
			fed.add(t, 1, 1)
			k.sink.await(t, fed.total())
			again.stop(t)
			fed.assertOnceInOrder(t, k.sink.accepted())
		})
	}
}

// A key for one side and an identity for the other.
func TestOneSideMayHaveAKeyAndTheOtherAnIdentity(t *testing.T) {
	t.Parallel()
	for name, keyed := range map[string]func(t *testing.T, k *keyless) settings{
		"a key for the hub": func(_ *testing.T, k *keyless) settings {
			return settings{"EVENTHUBNAMESPACE": "", "EHUBNAMESPACECONNECTIONSTRING": k.hub.ConnectionString()}
		},
		"a key for the storage": func(t *testing.T, _ *keyless) settings {
			t.Helper()
			return settings{"BLOBSTORAGEURL": "", "BLOBSTORAGECONNECTIONSTRING": storage(t).connectionString()}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := startKeyless(t)
			fed := newFeed(k.hub)
			fed.add(t, 2, 2)
			d := startDaemon(t, k.environ.with(keyed(t, k)))
			k.sink.await(t, fed.total())
			d.awaitReady(t)
			d.stop(t)
			fed.assertOnceInOrder(t, k.sink.accepted())
		})
	}
}

// Tokens that live for seconds run out under the links, which azeventhubs renews after two minutes at
// the earliest. The storage never sees one that ran out.
func TestTokensAreRenewedAndNothingIsLostOrRepeated(t *testing.T) {
	t.Parallel()
	k := startKeyless(t)
	k.entra.set(6*time.Second, "")
	d := startDaemon(t, k.environ)
	fed := newFeed(k.hub)
	for k.entra.given(hubtest.HubAudience) < 4 || k.entra.given(storageAudience) < 4 {
		fed.add(t, 1, 1)
		k.sink.await(t, fed.total())
		d.awaitMetric(t, partitionsOwned, 2)
	}
	d.stop(t)
	fed.assertOnceInOrder(t, k.sink.accepted())
	assert.Zero(t, k.storage.refused.Load(), "requests to the storage with a token that had run out")
	assert.NotContains(t, d.out.String(), "Data Receiver", "a token that ran out is no missing role")
	k.entra.assertNoToken(t, d.out.String())
}

func TestWhatIsMissingIsSaidByReadyzAndTheLog(t *testing.T) {
	t.Parallel()
	const assigned = "AADSTS700213: No matching federated identity record found for presented assertion subject 'x'."
	tests := map[string]struct {
		take, give func(k *keyless)
		want       string
	}{
		"the role for the hub": {
			func(k *keyless) { k.hub.RevokeRole(true); k.hub.ExpireClaims() },
			func(k *keyless) { k.hub.RevokeRole(false) },
			hubRole,
		},
		"the role for the storage": {
			func(k *keyless) { k.storage.revoked.Store(true) }, func(k *keyless) { k.storage.revoked.Store(false) }, storageRole,
		},
		"the federated credential": {
			func(k *keyless) { k.entra.set(time.Second, assigned+" Trace ID: 4711"); k.hub.ExpireClaims() },
			func(k *keyless) { k.entra.set(time.Hour, "") },
			"no token of Microsoft Entra ID for the event hub: it answered 401 " + assigned,
		},
	}
	for name, test := range tests {
		t.Run(name+", from the start", func(t *testing.T) {
			t.Parallel()
			k := startKeyless(t)
			test.take(k)
			d := startDaemon(t, k.environ)
			d.awaitSaid(t, test.want)
			test.give(k)
			d.awaitReady(t)
			k.entra.assertNoToken(t, d.out.String())
		})
		t.Run(name+", later", func(t *testing.T) {
			t.Parallel()
			k := startKeyless(t)
			// A token that lived for an hour would serve it for so long.
			k.entra.set(8*time.Second, "")
			fed := newFeed(k.hub)
			fed.add(t, 1, 1)
			d := startDaemon(t, k.environ.with(shortWatch()))
			k.sink.await(t, fed.total())
			d.awaitReady(t)
			test.take(k)
			d.awaitSaid(t, test.want)
			fed.add(t, 1, 1)
			test.give(k)
			d.awaitReady(t)
			k.sink.await(t, fed.total())
			d.stop(t)
			fed.assertOnceInOrder(t, k.sink.accepted())
			k.entra.assertNoToken(t, d.out.String())
		})
	}
}

// awaitSaid waits until /readyz says why the daemon is not ready, and the log as well.
func (d *daemon) awaitSaid(t *testing.T, want string) {
	t.Helper()
	plain := strings.ReplaceAll(want, `\"`, `"`)
	eventually(t, func() bool {
		status, text := d.readyz(t)
		return status == http.StatusServiceUnavailable && strings.Contains(text, plain)
	}, "/readyz says %s", plain)
	eventually(t, func() bool { return d.out.Contains(want) }, "the log says %s", want)
}
