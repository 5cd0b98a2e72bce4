package e2e

import (
	"bytes"
	"encoding/json"
	"net/url"
	"os"
	"strconv"
	"testing"

	"github.com/falcosecurity/plugins/plugins/k8saudit/pkg/k8saudit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"aks-audit-log-go/e2e/harness"
	"aks-audit-log-go/forwarder/variable"
)

// falcoValues is the part of the values for Falco's chart that the tests read.
type falcoValues struct {
	Services []struct {
		Type  string
		Ports []struct{ Port int }
	}
	Falco struct {
		Plugins []struct {
			Name       string
			InitConfig map[string]any `yaml:"init_config"`
			OpenParams string         `yaml:"open_params"`
		}
		LoadPlugins []string `yaml:"load_plugins"`
	}
}

func readFalcoValues(t *testing.T) falcoValues {
	t.Helper()
	content, err := os.ReadFile(harness.ProductDir + "/deploy/falco/values.yaml")
	require.NoError(t, err)
	var values falcoValues
	require.NoError(t, yaml.Unmarshal(content, &values))
	return values
}

func TestFalcosValuesGiveAWebhookThatCheckFindsWell(t *testing.T) {
	t.Parallel()
	values := readFalcoValues(t)
	require.Len(t, values.Falco.Plugins, 2)
	audit := values.Falco.Plugins[0]
	assert.Equal(t, []string{audit.Name, values.Falco.Plugins[1].Name}, values.Falco.LoadPlugins)

	config, err := json.Marshal(audit.InitConfig)
	require.NoError(t, err)
	known := json.NewDecoder(bytes.NewReader(config))
	known.DisallowUnknownFields() // the plugin itself ignores unknown fields
	require.NoError(t, known.Decode(&k8saudit.PluginConfig{}))
	plugin := &k8saudit.Plugin{}
	require.NoError(t, plugin.Init(string(config)))
	assert.False(t, plugin.Config.UseAsync)
	assert.Equal(t, false, values.Falco.Plugins[1].InitConfig["useAsync"])
	assert.Equal(t, defaultOf(t, "SINKMAXEVENTSIZE"), strconv.FormatUint(plugin.Config.MaxEventSize, 10))

	address, err := url.Parse(audit.OpenParams)
	require.NoError(t, err)
	require.Len(t, values.Services, 1)
	assert.Equal(t, "ClusterIP", values.Services[0].Type)
	assert.Equal(t, address.Port(), strconv.Itoa(values.Services[0].Ports[0].Port))

	address.Host = harness.FreeAddress(t) // the chart's port may be in use on this machine
	instance, err := plugin.Open(address.String())
	require.NoError(t, err)
	f := harness.ReadFalco(plugin, instance, address.String())
	t.Cleanup(f.Close)
	harness.Wait(t, func() bool { return f.Serves(t) }, "Falco's plugin serves %s", f.URL)
	hub, c := harness.StartHub(t, 1), harness.NewEmptyBlobs(t)
	code, lines := runCheck(t, harness.BlobSettings(t, hub, c, f.URL))
	assert.Zero(t, code)
	assertMarks(t, lines, nil, nil)
}

// defaultOf returns the default of a variable.
func defaultOf(t *testing.T, name string) string {
	t.Helper()
	for _, v := range variable.Table() {
		if v.Name == name {
			return v.Default
		}
	}
	require.Fail(t, "no such variable", name)
	return ""
}
