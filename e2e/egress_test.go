package e2e

import (
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/e2e/harness"
	"aks-audit-log-go/internal/hubtest"
)

const (
	proxyUser     = "proxy-user"
	proxyPassword = "proxy-pass-word-51d8"
)

// egress is an HTTP proxy with a password. The hosts of its routes can be reached only through it, because no name
// server knows them.
type egress struct {
	*httptest.Server
	routes map[string]string // host:port to a real address

	mu      sync.Mutex
	tunnels map[string]int
}

func startEgress(t *testing.T, routes map[string]string) *egress {
	t.Helper()
	e := &egress{routes: routes, tunnels: map[string]int{}}
	e.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		want := "Basic " + base64.StdEncoding.EncodeToString([]byte(proxyUser+":"+proxyPassword))
		if r.Header.Get("Proxy-Authorization") != want {
			http.Error(w, "who are you?", http.StatusProxyAuthRequired)
			return
		}
		e.connect(w, r)
	}))
	t.Cleanup(e.Close)
	return e
}

// connect opens a tunnel, and returns when it ends.
func (e *egress) connect(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	e.tunnels[r.Host]++
	target := e.routes[r.Host]
	e.mu.Unlock()
	far, err := net.Dial("tcp", target) //nolint:noctx // It is on loopback.
	if r.Method != http.MethodConnect || err != nil {
		http.Error(w, "no way", http.StatusBadGateway)
		return
	}
	defer func() { _ = far.Close() }()
	near, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer func() { _ = near.Close() }()
	_, _ = io.WriteString(near, "HTTP/1.1 200 Connection established\r\n\r\n")
	var both sync.WaitGroup
	both.Go(func() {
		_, _ = io.Copy(far, buffered)
		_ = far.Close()
	})
	_, _ = io.Copy(near, far)
	_ = near.Close()
	both.Wait()
}

// through returns how many tunnels to a host were opened.
func (e *egress) through(host string) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.tunnels[host]
}

// These are the hosts behind the proxy. Azurite takes the account's name from the first label.
const (
	hiddenHub     = "namespace." + hubtest.CertificateDomain
	hiddenStorage = harness.StorageAccount + "." + hubtest.CertificateDomain
	hiddenEntra   = "login." + hubtest.CertificateDomain
)

// startBehindProxy starts all services of Azure behind a proxy.
func startBehindProxy(t *testing.T) (*keyless, *egress) {
	t.Helper()
	k := startKeyless(t)
	addressOf := func(address string) string {
		u, err := url.Parse(address)
		require.NoError(t, err)
		return u.Host
	}
	a, err := sharedSecureAzurite()
	require.NoError(t, err)
	proxy := startEgress(t, map[string]string{
		hiddenHub + ":443":     harness.HubHost(k.hub),
		hiddenStorage + ":443": addressOf(a.Endpoint),
		hiddenEntra + ":443":   addressOf(k.entra.URL),
	})
	k.environ = k.environ.With(harness.Settings{
		"HTTPS_PROXY":          "http://" + proxyUser + ":" + proxyPassword + "@" + addressOf(proxy.URL),
		"EVENTHUBTRANSPORT":    "websocket",
		"EVENTHUBNAMESPACE":    hiddenHub,
		"BLOBSTORAGEURL":       "https://" + hiddenStorage,
		"AZURE_AUTHORITY_HOST": "https://" + hiddenEntra + "/",
	})
	return k, proxy
}

func TestHubStorageAndTokensAreReachedThroughAProxyAlone(t *testing.T) {
	t.Parallel()
	k, proxy := startBehindProxy(t)
	fed := harness.NewFeed(k.hub)
	fed.Add(t, 3, 2)
	d := harness.StartDaemon(t, k.environ)
	k.sink.Await(t, fed.Total())
	d.AwaitReady(t)
	shown := d.Pages(t)
	d.Stop(t)
	fed.AssertOnceInOrder(t, k.sink.Accepted())
	for _, host := range []string{hiddenHub, hiddenStorage, hiddenEntra} {
		assert.Positive(t, proxy.through(host+":443"), host)
	}
	assert.NotContains(t, shown+d.Output.String(), proxyPassword)
}

func TestWhatNoProxyNamesIsReachedDirectly(t *testing.T) {
	t.Parallel()
	k, proxy := startBehindProxy(t)
	d := harness.StartDaemon(t, k.environ.With(harness.Settings{"NO_PROXY": hiddenEntra}))
	// The name cannot be resolved, so the attempt fails, but this shows that it was made.
	d.AwaitReason(t, "lookup "+hiddenEntra)
	d.Stop(t)
	assert.Zero(t, proxy.through(hiddenEntra+":443"))
}
