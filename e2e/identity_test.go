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
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/e2e/harness"
	"aks-audit-log-go/internal/hubtest"
)

const (
	storageAudience = "https://storage.azure.com"
	hubRole         = `has to have the role \"Azure Event Hubs Data Receiver\" on the Event Hubs namespace or the hub`
	storageRole     = `has to have the role \"Storage Blob Data Contributor\" on the storage account or the container`
)

// sharedSecureAzurite is the one Azurite of a test run that accepts tokens. Azurite accepts them only over TLS.
var sharedSecureAzurite = sync.OnceValues(func() (*harness.Azurite, error) {
	certificate, key, err := hubtest.Certificate()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "azurite")
	if err != nil {
		return nil, err
	}
	harness.AtEnd.Add(func() error { return os.RemoveAll(dir) })
	certificateFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	if err := os.WriteFile(certificateFile, certificate, 0o600); err != nil {
		return nil, err
	}
	if err := os.WriteFile(keyFile, key, 0o600); err != nil {
		return nil, err
	}
	// It is for all tests, and ends with the process.
	return harness.StartAzurite(context.Background(), "--oauth", "basic", "--cert", certificateFile, "--key", keyFile)
})

// roleGate is a proxy in front of Azurite, which has no roles. It refuses every request while the role is missing.
type roleGate struct {
	*httptest.Server
	revoked atomic.Bool
	// refused is the number of requests with a bad token, or without one.
	refused atomic.Int32
}

func startRoleGate(t *testing.T) *roleGate {
	t.Helper()
	a, err := sharedSecureAzurite()
	require.NoError(t, err)
	target, err := url.Parse(a.Endpoint)
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
	g.TLS = harness.ServerTLS(t)
	g.StartTLS()
	t.Cleanup(g.Close)
	return g
}

// keyless is a hub, a storage and a sink that need no key, and the identity that they accept.
type keyless struct {
	entra   *harness.TokenEndpoint
	hub     *hubtest.Server
	storage *roleGate
	sink    *harness.Sink
	environ harness.Settings
}

func startKeyless(t *testing.T) *keyless {
	t.Helper()
	k := &keyless{entra: harness.StartTokenEndpoint(t), storage: startRoleGate(t), sink: harness.StartSink(t)}
	var err error
	k.hub, err = hubtest.Start(hubtest.Config{Hub: harness.HubName, Partitions: 2, TokenKey: k.entra.Key})
	require.NoError(t, err)
	t.Cleanup(k.hub.Close)
	k.environ = harness.HubSettings(t, k.hub, k.sink.URL).With(k.entra.Settings(t)).With(harness.Settings{
		"EHUBNAMESPACECONNECTIONSTRING": "",
		"EVENTHUBNAMESPACE":             harness.HubHost(k.hub),
		"BLOBSTORAGEURL":                k.storage.URL + "/" + harness.StorageAccount,
		"BLOBCONTAINERNAME":             harness.NewBlobs(t).Name,
		"CHECKPOINTINTERVAL":            "100ms",
		"LOGLEVEL":                      "trace",
	})
	return k
}

func TestAWorkloadIdentityNeedsNoKey(t *testing.T) {
	t.Parallel()
	for _, client := range []string{harness.CurrentClient, harness.LegacyClient} {
		t.Run(client, func(t *testing.T) {
			t.Parallel()
			k := startKeyless(t)
			fed := harness.NewFeed(k.hub)
			fed.Add(t, 3, 2)
			d := harness.StartDaemon(t, k.environ.With(harness.Settings{"EVENTHUBCLIENT": client}))
			k.sink.Await(t, fed.Total())
			d.AwaitReady(t)
			shown := d.Pages(t)
			d.Stop(t)
			shown += d.Output.String()
			for _, partition := range showCheckpoints(t, k.environ.With(harness.Settings{"EVENTHUBCLIENT": client})) {
				assert.Zero(t, *partition.Lag, "the commands sign in as the daemon does")
			}
			assert.Contains(t, shown, `"hub_sign_in":"Microsoft Entra ID"`)
			assert.Contains(t, shown, `"blob_sign_in":"Microsoft Entra ID"`)
			k.entra.AssertNoToken(t, shown)
			assert.Equal(t, 2, k.entra.Issued(hubtest.HubAudience), "one for each process")
			assert.Equal(t, 2, k.entra.Issued(storageAudience))
			assert.Zero(t, k.storage.refused.Load())

			again := harness.StartDaemon(t, k.environ)
			fed.Add(t, 1, 1)
			k.sink.Await(t, fed.Total())
			again.Stop(t)
			fed.AssertOnceInOrder(t, k.sink.Accepted())
		})
	}
}

// One side has a key, and the other one an identity.
func TestOneSideMayHaveAKeyAndTheOtherAnIdentity(t *testing.T) {
	t.Parallel()
	for name, keyed := range map[string]func(t *testing.T, k *keyless) harness.Settings{
		"a key for the hub": func(_ *testing.T, k *keyless) harness.Settings {
			return harness.Settings{"EVENTHUBNAMESPACE": "", "EHUBNAMESPACECONNECTIONSTRING": k.hub.ConnectionString()}
		},
		"a key for the storage": func(t *testing.T, _ *keyless) harness.Settings {
			t.Helper()
			return harness.Settings{"BLOBSTORAGEURL": "", "BLOBSTORAGECONNECTIONSTRING": harness.SharedAzurite(t).ConnectionString()}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := startKeyless(t)
			fed := harness.NewFeed(k.hub)
			fed.Add(t, 2, 2)
			d := harness.StartDaemon(t, k.environ.With(keyed(t, k)))
			k.sink.Await(t, fed.Total())
			d.AwaitReady(t)
			d.Stop(t)
			fed.AssertOnceInOrder(t, k.sink.Accepted())
		})
	}
}

// Tokens that are valid for seconds expire on open links, and azeventhubs renews them after two minutes at the
// earliest. The storage must never get an expired token.
func TestTokensAreRenewedAndNothingIsLostOrRepeated(t *testing.T) {
	t.Parallel()
	k := startKeyless(t)
	fed := harness.NewFeed(k.hub)
	life := k.shortLife(t, fed)
	t.Logf("tokens live for %s", life)
	k.entra.Set(life, "")
	d := harness.StartDaemon(t, k.environ)
	hubs, storages := k.entra.Issued(hubtest.HubAudience), k.entra.Issued(storageAudience)
	for k.entra.Issued(hubtest.HubAudience) < hubs+4 || k.entra.Issued(storageAudience) < storages+4 {
		fed.Add(t, 1, 1)
		k.sink.Await(t, fed.Total())
		d.AwaitMetric(t, harness.PartitionsOwned, 2)
	}
	d.Stop(t)
	fed.AssertOnceInOrder(t, k.sink.Accepted())
	assert.Zero(t, k.storage.refused.Load(), "requests to the storage with a token that had run out")
	assert.NotContains(t, d.Output.String(), "Data Receiver", "a token that ran out is no missing role")
	k.entra.AssertNoToken(t, d.Output.String())
}

// shortLife returns a lifetime for tokens that soon expire. The daemon does not use a token in its last quarter, and
// that quarter must be longer than a request takes. The lifetime is therefore longer on a busy machine. It is at least
// 6 s, and at least twice the time from the start of a daemon to its first delivery, which is many requests.
func (k *keyless) shortLife(t *testing.T, fed *harness.Feed) time.Duration {
	t.Helper()
	fed.Add(t, 1, 1)
	began := time.Now()
	d := harness.StartDaemon(t, k.environ)
	k.sink.Await(t, fed.Total())
	took := time.Since(began)
	d.Stop(t)
	return (6*time.Second + 2*took).Round(time.Second)
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
			func(k *keyless) { k.entra.Set(time.Second, assigned+" Trace ID: 4711"); k.hub.ExpireClaims() },
			func(k *keyless) { k.entra.Set(time.Hour, "") },
			"no token of Microsoft Entra ID for the event hub: it answered 401 " + assigned,
		},
	}
	for name, test := range tests {
		t.Run(name+", from the start", func(t *testing.T) {
			t.Parallel()
			k := startKeyless(t)
			test.take(k)
			d := harness.StartDaemon(t, k.environ)
			d.AwaitReason(t, test.want)
			test.give(k)
			d.AwaitReady(t)
			k.entra.AssertNoToken(t, d.Output.String())
		})
		t.Run(name+", later", func(t *testing.T) {
			t.Parallel()
			k := startKeyless(t)
			// A token that is valid for an hour would be used for an hour.
			k.entra.Set(20*time.Second, "")
			fed := harness.NewFeed(k.hub)
			fed.Add(t, 1, 1)
			d := harness.StartDaemon(t, k.environ.With(harness.ShortWatchdog()))
			k.sink.Await(t, fed.Total())
			d.AwaitReady(t)
			test.take(k)
			d.AwaitReason(t, test.want)
			fed.Add(t, 1, 1)
			test.give(k)
			d.AwaitReady(t)
			k.sink.Await(t, fed.Total())
			d.Stop(t)
			fed.AssertOnceInOrder(t, k.sink.Accepted())
			k.entra.AssertNoToken(t, d.Output.String())
		})
	}
}
