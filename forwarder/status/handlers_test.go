package status

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/sirupsen/logrus/hooks/test"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/forwarder/health"
)

// browse requests / as a browser does, which accepts HTML.
func browse(t *testing.T, server *Server) (*http.Response, string) {
	t.Helper()
	return requestType(t, server, http.MethodGet, "/", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8")
}

func TestABrowserGetsThePageAndOtherClientsTheListOfPaths(t *testing.T) {
	server := startServer(t, prometheus.NewRegistry(), health.NewHealth())
	res, body := browse(t, server)
	assert.Equal(t, http.StatusOK, res.StatusCode)
	assert.Equal(t, "text/html; charset=utf-8", res.Header.Get("Content-Type"))
	assert.Contains(t, res.Header.Get("Content-Security-Policy"), "default-src 'none'")
	assert.Equal(t, "Accept", res.Header.Get("Vary"))
	assert.Contains(t, body, "<!DOCTYPE html>")

	res, body = request(t, server, "GET", "/")
	assert.Equal(t, "text/plain; charset=utf-8", res.Header.Get("Content-Type"))
	assert.Equal(t, "Accept", res.Header.Get("Vary"))
	for _, path := range []string{"/metrics", "/healthz", "/readyz", "/status.json", "/history.json"} {
		assert.Contains(t, body, path)
	}
}

func TestStatusJSONHasTheStatusOfThisMoment(t *testing.T) {
	f := newFixture(t)
	log, _ := test.NewNullLogger()
	server := serveUntilEnd(t, NewServer("127.0.0.1:0", nil, prometheus.NewRegistry(), f.health, f.overview.Status, f.history, log))
	res, body := request(t, server, "GET", "/status.json")
	assert.Equal(t, http.StatusOK, res.StatusCode)
	for name, value := range map[string]string{
		"Content-Type": "application/json", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
		"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'", "Cross-Origin-Resource-Policy": "same-origin",
	} {
		assert.Equal(t, value, res.Header.Get(name), name)
	}
	assert.Empty(t, res.Header.Get("Access-Control-Allow-Origin"), "no other page may read it")
	var status Status
	require.NoError(t, json.Unmarshal([]byte(body), &status))
	assert.Equal(t, StateNotReady, status.State)

	f.balance(map[string]string{"0": "me"})
	_, body = request(t, server, "GET", "/status.json")
	require.NoError(t, json.Unmarshal([]byte(body), &status))
	assert.Equal(t, StateForwarding, status.State)
	res, _ = request(t, server, "POST", "/status.json")
	assert.Equal(t, http.StatusMethodNotAllowed, res.StatusCode)
}

func TestHistoryJSONHasTheHistoryOfAllPartitionsOrOfOne(t *testing.T) {
	f := newFixture(t)
	f.balance(map[string]string{"0": "me", "1": "me", "2": "other-pod"})
	for id, handled := range map[string]int{"0": 3, "1": 4} {
		for range handled {
			f.stats.Partition(id).Handled()
		}
	}
	f.history.Look()
	log, _ := test.NewNullLogger()
	server := serveUntilEnd(t, NewServer("127.0.0.1:0", nil, prometheus.NewRegistry(), f.health, f.overview.Status, f.history, log))
	for path, handled := range map[string]string{"/history.json": "[7]", "/history.json?partition=1": "[4]", "/history.json?partition=2": "[]"} {
		res, body := request(t, server, "GET", path)
		assert.Equal(t, http.StatusOK, res.StatusCode)
		assert.Equal(t, "application/json", res.Header.Get("Content-Type"))
		assert.Equal(t, "no-store", res.Header.Get("Cache-Control"))
		assert.Contains(t, body, `"handled_hub_events":`+handled)
	}
}

func TestHealthzFollowsTheWatchdog(t *testing.T) {
	health, now := health.NewHealth(), time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	health.Watch(5*time.Minute, func() time.Time { return now })
	server := startServer(t, prometheus.NewRegistry(), health)
	now = now.Add(5 * time.Minute)
	res, body := request(t, server, "GET", "/healthz")
	assert.Equal(t, 503, res.StatusCode)
	assert.Equal(t, "wedged: the hub has answered no request for 5m0s\n", body)
	health.HubAnswered()
	res, body = request(t, server, "GET", "/healthz")
	assert.Equal(t, 200, res.StatusCode)
	assert.Equal(t, "ok\n", body)
}
