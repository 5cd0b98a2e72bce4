package deploy

import (
	"fmt"
	"maps"
	"net"
	"net/url"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/forwarder"
)

// readValues returns a values file for Falco's chart.
func readValues(t *testing.T, file string) object {
	t.Helper()
	content, err := os.ReadFile("falco/" + file)
	require.NoError(t, err)
	objects := parse(t, content)
	require.Len(t, objects, 1)
	return objects[0]
}

// webhookOf returns where the values make Falco's plugin listen.
func webhookOf(t *testing.T, values object) *url.URL {
	t.Helper()
	text, ok := values.at("falco/plugins/0/open_params").(string)
	require.True(t, ok)
	address, err := url.Parse(text)
	require.NoError(t, err)
	return address
}

func TestFalcosSidecarIsPassedByTheConnectionOfTheDaemon(t *testing.T) {
	t.Parallel()
	values := readValues(t, "values.yaml")
	port := webhookOf(t, values).Port()
	assert.Equal(t, map[string]string{
		"traffic.sidecar.istio.io/excludeInboundPorts": port, "config.linkerd.io/skip-inbound-ports": port,
	}, values.strings(t, "podAnnotations"))
}

func TestARuleOfOnesOwnFiresBesideAnOfficialOne(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "all", readValues(t, "values.yaml").at("falco/rule_matching"))
}

func TestTheDaemonInFalcosPodPostsToFalco(t *testing.T) {
	t.Parallel()
	values := readValues(t, "sidecar-values.yaml")
	containers := values.list("extra/initContainers")
	require.Len(t, containers, 1)
	assert.Equal(t, "Always", containers[0]["restartPolicy"], "else Falco never starts")
	cfg, err := forwarder.Load(environ(environmentOf(t, nil, containers[0])))
	require.NoError(t, err)
	assert.Empty(t, cfg.Warnings)

	webhook := webhookOf(t, values)
	assert.True(t, net.ParseIP(webhook.Hostname()).IsLoopback(), "nobody outside the pod has to get there")
	assert.Equal(t, "localhost", cfg.SinkURL.Hostname())
	assert.Equal(t, webhook.Port(), cfg.SinkURL.Port())
	assert.Equal(t, webhook.Path, cfg.SinkURL.Path)

	_, statistics, err := net.SplitHostPort(cfg.StatsAddress)
	require.NoError(t, err)
	for _, port := range []any{containers[0].at("ports/0/containerPort"), values.at("services/0/ports/0/port")} {
		assert.Equal(t, statistics, fmt.Sprint(port))
	}
}

// TestBothValuesFilesSetFalcosPluginsUpAlike: Helm replaces the list of plugins as a whole.
func TestBothValuesFilesSetFalcosPluginsUpAlike(t *testing.T) {
	t.Parallel()
	var plugins [2][]object
	for i, file := range []string{"values.yaml", "sidecar-values.yaml"} {
		for _, plugin := range readValues(t, file).list("falco/plugins") {
			plugin = maps.Clone(plugin)
			delete(plugin, "open_params")
			plugins[i] = append(plugins[i], plugin)
		}
	}
	assert.Equal(t, plugins[0], plugins[1])
}
