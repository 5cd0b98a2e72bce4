package e2e

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/e2e/harness"
)

// startForwardProxy starts an HTTP proxy that passes every request to the sink, and counts the requests. As a forward
// proxy, it accepts requests that name the sink. As an ingress, it accepts those that name the proxy.
func startForwardProxy(t *testing.T, sink string) (proxy *httptest.Server, requests *atomic.Int64) {
	t.Helper()
	target, err := url.Parse(sink)
	require.NoError(t, err)
	requests = &atomic.Int64{}
	pass := &httputil.ReverseProxy{
		Rewrite:        func(r *httputil.ProxyRequest) { r.Out.URL.Scheme, r.Out.URL.Host = target.Scheme, target.Host },
		ModifyResponse: func(r *http.Response) error { r.Header.Set("Via", "1.1 gateway"); return nil },
	}
	proxy = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		pass.ServeHTTP(w, r)
	}))
	t.Cleanup(proxy.Close)
	return proxy, requests
}

func TestAFalcoInTheClusterIsNotReachedThroughTheProxyThatAKSSets(t *testing.T) {
	t.Parallel()
	hub, c, f := harness.StartHub(t, 1), harness.NewEmptyBlobs(t), harness.StartFalco(t)
	proxy, requests := startForwardProxy(t, f.URL)
	fed := harness.NewFeed(hub)
	fed.Add(t, 1, 1)
	d := harness.StartDaemon(t, harness.BlobSettings(t, hub, c, "http://falco-k8saudit-webhook.falco.svc:9765/k8s-audit").
		With(harness.Settings{"HTTP_PROXY": proxy.URL, "HTTPS_PROXY": proxy.URL, "NO_PROXY": "konnectivity,127.0.0.1"}))
	// The name exists only in a cluster. The attempt fails, but this shows that it was made, and not at the proxy.
	d.AwaitReason(t, "lookup falco-k8saudit-webhook.falco.svc")
	d.Stop(t)
	assert.Zero(t, requests.Load())
	assert.NotContains(t, d.Output.String(), "HTTP proxy")
}

func TestAProxyBeforeTheSinkIsSaidByLogCheckPageAndMetric(t *testing.T) {
	t.Parallel()
	hub, c, f := harness.StartHub(t, 1), harness.NewEmptyBlobs(t), harness.StartFalco(t)
	proxy, _ := startForwardProxy(t, f.URL)
	environ := harness.BlobSettings(t, hub, c, "http://falco.example.com/k8s-audit").With(harness.Settings{
		"HTTP_PROXY": strings.Replace(proxy.URL, "http://", "http://"+proxyUser+":"+proxyPassword+"@", 1),
	})
	const (
		throughProxy = "audit events go through the HTTP proxy http://127.0.0.1:"
		ends         = "the connection ends at 1.1 gateway, not at Falco: a restart of Falco can lose up to 50 requests"
	)
	code, lines := runCheck(t, environ)
	assert.Equal(t, 1, code)
	assertMarks(t, lines, []string{"sink"}, nil)
	assert.Contains(t, lines["sink"], ends)
	assert.Contains(t, lines["sink"], throughProxy)
	assert.NotContains(t, lines["sink"], proxyPassword)

	fed := harness.NewFeed(hub)
	fed.Add(t, 3, 2)
	d := harness.StartDaemon(t, environ)
	f.Await(t, fed.Total())
	shown := d.Pages(t)
	d.Stop(t)
	assert.Equal(t, 1, strings.Count(d.Output.String(), throughProxy))
	assert.Equal(t, 1, strings.Count(d.Output.String(), ends))
	assert.Contains(t, shown, `"sink_intermediary":"1.1 gateway"`)
	assert.Contains(t, shown, `"sink_proxy":"`+throughProxy)
	assert.Regexp(t, "ready: owning 1 of 1 partitions; mind: "+ends+".*; mind: "+throughProxy, shown, "/readyz says it too")
	assert.Contains(t, shown, `aks_audit_log_sink_intermediary_info{name="1.1 gateway"} 1`)
	assert.NotContains(t, shown+d.Output.String(), proxyPassword)
}
