package status

import (
	"io"
	"net/http"
	"os"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/sirupsen/logrus/hooks/test"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/forwarder/health"
)

func TestTheStatusIsShownUnderInnerNamesOnly(t *testing.T) {
	own, err := os.Hostname()
	require.NoError(t, err)
	h := newHosts([]string{"Audit.example.com"})
	for _, host := range []string{
		"", "127.0.0.1", "127.0.0.1:9000", "10.1.2.3:80", "[::1]:9000", "[::1]", "[fe80::1%25eth0]:9000", "localhost:9000", "LocalHost.", "a.localhost",
		own, own + ":9000", "aks-audit-log-go", "aks-audit-log-go.falco.svc:9000", "aks-audit-log-go.falco.svc.cluster.local", "aks.falco.svc.cluster.local.:80",
		"audit.example.com", "AUDIT.example.com.:8080",
	} {
		assert.True(t, h.allow(host), host)
	}
	for _, host := range []string{
		"evil.example", "evil.example:9000", "127.0.0.1.evil.example", "localhost.evil.example", "a.svc.evil.example", "svc.cluster.local.evil.example",
		"b.audit.example.com", "audit.example.com.evil.example", "evilcluster.local", "evil.example.", "10.0.0.1.nip.io:9000",
	} {
		assert.False(t, h.allow(host), host)
	}
}

func TestAPageOfTheInternetCannotReadTheStatus(t *testing.T) {
	log, _ := test.NewNullLogger()
	server := serveUntilEnd(t, NewServer("127.0.0.1:0", []string{"audit.example.com"}, prometheus.NewRegistry(), health.NewHealth(), noStatus,
		newFixture(t).history, log))
	get := func(path, host string) (int, string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+server.Addr()+path, nil)
		require.NoError(t, err)
		req.Host, req.Close = host, true
		res, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		body, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		return res.StatusCode, string(body)
	}
	for _, path := range []string{"/", "/status.json", "/history.json"} {
		status, body := get(path, "evil.example:9000")
		assert.Equal(t, http.StatusForbidden, status, path)
		assert.Contains(t, body, "STATSHOSTS")
		status, _ = get(path, "audit.example.com")
		assert.Equal(t, http.StatusOK, status, path)
	}
	for _, path := range []string{"/metrics", "/healthz"} {
		status, _ := get(path, "evil.example:9000")
		assert.Equal(t, http.StatusOK, status, path)
	}
	status, _ := get("/readyz", "evil.example:9000")
	assert.Equal(t, http.StatusServiceUnavailable, status, "not ready yet")
}
