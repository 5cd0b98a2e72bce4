package httpclient

import (
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// fetchThrough fetches the URL in its own process, with only these variables.
func fetchThrough(t *testing.T, target string, variables ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append([]string{fetchURL + "=" + target}, variables...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func TestAHostInTheClusterIsNeverAskedThroughAProxy(t *testing.T) {
	for _, target := range []string{
		"http://falco:9765/k8s-audit",
		"http://falco.falco.svc:9765/k8s-audit",
		"http://falco.falco.svc.:9765/k8s-audit",
		"http://Falco.Falco.SVC:9765/k8s-audit",
		"http://falco-k8saudit-webhook.falco.svc.cluster.local:9765/k8s-audit",
		"http://falco.falco.svc.corp.invalid:9765/k8s-audit",
		"http://10-0-0-9.falco.pod.cluster.local:9765/k8s-audit",
		"http://127.0.0.1:1/k8s-audit",
		"http://localhost:1/k8s-audit",
		"https://falco.falco.svc:9765/k8s-audit",
	} {
		t.Run(target, func(t *testing.T) {
			t.Parallel()
			proxy, connections := server(t, func(http.ResponseWriter, *http.Request) {})
			// The names exist only in a cluster, so the fetch fails, but not at the proxy.
			_, err := fetchThrough(t, target, "HTTP_PROXY="+proxy.URL, "HTTPS_PROXY="+proxy.URL, "http_proxy="+proxy.URL, "NO_PROXY=example.com")
			require.Error(t, err)
			assert.Zero(t, connections.Load())
		})
	}
}

func TestOtherHostsAreAskedThroughTheProxy(t *testing.T) {
	for _, target := range []string{
		"http://falco.example.com/k8s-audit",
		"http://svc.example.com/k8s-audit",
		"http://falco.mysvc/k8s-audit",
		"http://10.0.0.9:9765/k8s-audit",
		"http://[fd00::9]:9765/k8s-audit",
	} {
		t.Run(target, func(t *testing.T) {
			t.Parallel()
			proxy, _ := server(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.URL.String()) })
			out, err := fetchThrough(t, target, "HTTP_PROXY="+proxy.URL)
			require.NoError(t, err, out)
			assert.Equal(t, target, out)
		})
	}
}

// TestTheProxyIsNamedWithoutItsPassword asks in its own processes, like fetchThrough.
func TestTheProxyIsNamedWithoutItsPassword(t *testing.T) {
	for target, want := range map[string]string{
		"http://sink.example.com/k8s-audit":  "http://10.0.0.4:3128",
		"https://sink.example.com/k8s-audit": "http://10.0.0.5:3128",
		"http://falco.falco.svc/k8s-audit":   "",
		"http://direct.example/k8s-audit":    "",
	} {
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = []string{
			proxyURL + "=" + target, "NO_PROXY=direct.example",
			"HTTP_PROXY=http://me:hunter2@10.0.0.4:3128/?token=hunter3", "HTTPS_PROXY=me:hunter2@10.0.0.5:3128",
		}
		out, err := cmd.Output()
		require.NoError(t, err)
		assert.Equal(t, want, string(out), target)
	}
}

func TestWithoutAProxyNoneIsNamed(t *testing.T) {
	target, err := url.Parse("http://sink.example.com")
	require.NoError(t, err)
	assert.Empty(t, ProxyFor(target))
}
