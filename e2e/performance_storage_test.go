//go:build bench && linux

package e2e

import (
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aks-audit-log-go/e2e/harness"
)

// blobProxy is a proxy in front of Azurite that counts the requests for which Azure charges. It serves with and
// without TLS.
type blobProxy struct {
	plain, secure              *httptest.Server
	writes, checkpoints, lists atomic.Int64
}

func startBlobProxy(t *testing.T) *blobProxy {
	t.Helper()
	endpoint, err := url.Parse(harness.SharedAzurite(t).Endpoint)
	require.NoError(t, err)
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	// Rewrite adds no header, and keeps Host, so that signatures stay valid.
	forward := &httputil.ReverseProxy{Transport: transport, Rewrite: func(r *httputil.ProxyRequest) {
		r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = endpoint.Scheme, endpoint.Host, r.In.Host
	}}
	p := &blobProxy{}
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.count(r)
		forward.ServeHTTP(w, r)
	})
	p.plain, p.secure = httptest.NewServer(handler), httptest.NewTLSServer(handler)
	t.Cleanup(transport.CloseIdleConnections)
	t.Cleanup(p.plain.Close)
	t.Cleanup(p.secure.Close)
	return p
}

func (p *blobProxy) count(r *http.Request) {
	switch {
	case r.Method == http.MethodPut:
		p.writes.Add(1)
		if strings.Contains(r.URL.Path, "/checkpoint/") {
			p.checkpoints.Add(1)
		}
	case r.URL.Query().Get("comp") == "list":
		p.lists.Add(1)
	}
}

// ca returns the authority of the TLS server as PEM.
func (p *blobProxy) ca() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.secure.Certificate().Raw}))
}

// connectionString returns the connection string of the storage behind one of the proxy's servers.
func (p *blobProxy) connectionString(t *testing.T, server *httptest.Server) string {
	t.Helper()
	scheme, _, _ := strings.Cut(server.URL, ":")
	return fmt.Sprintf("DefaultEndpointsProtocol=%s;AccountName=%s;AccountKey=%s;BlobEndpoint=%s/%s;",
		scheme, harness.StorageAccount, harness.SharedAzurite(t).Key, server.URL, harness.StorageAccount)
}

// awaitRenewals waits for a time, then for the next writes, and then until no more follow. All partitions of an idle
// daemon are renewed together, so between two such moments no renewal is counted in part.
func (p *blobProxy) awaitRenewals(t *testing.T, atLeast time.Duration) {
	t.Helper()
	const together = time.Second // renewals that belong together follow one another sooner
	harness.Pause(t.Context(), atLeast)
	count, since, changed := p.writes.Load(), time.Now(), false
	harness.Wait(t, func() bool {
		if now := p.writes.Load(); now != count {
			count, since, changed = now, time.Now(), true
		}
		return changed && time.Since(since) > together
	}, "the ownerships are renewed")
}
