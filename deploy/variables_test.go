//go:build chart

package deploy

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/forwarder/variable"
)

// load is what the daemon makes of the environment that the chart gives it.
func load(t *testing.T, objects []object) forwarder.Config {
	t.Helper()
	environment := environmentOf(t, objects, container(t, objects))
	for name := range environment {
		// A file of a mounted Secret, which is not here.
		if base, isFile := strings.CutSuffix(name, "_FILE"); isFile {
			environment[base] = secretsOfTheCluster["aks-audit-log-go"][base]
			delete(environment, name)
		}
	}
	cfg, err := forwarder.Load(environ(environment))
	require.NoError(t, err)
	return cfg
}

func TestEachExampleConfiguresTheDaemon(t *testing.T) {
	t.Parallel()
	for _, file := range examples(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			assert.Empty(t, load(t, render(t, file)).Warnings)
		})
	}
}

func TestValuesReachTheDaemonAsTheyWereMeant(t *testing.T) {
	t.Parallel()
	cfg := load(t, render(t, chart+"/ci/created-secret-values.yaml"))
	assert.Equal(t, 134217728, cfg.MaxBytesInFlight, "not 1.34217728e+08")
	assert.Equal(t, 10, cfg.PostMaxRetries)
	assert.InDelta(t, 0.5, cfg.RateLimit, 1e-9)
	assert.True(t, cfg.KeepAlive)
	assert.True(t, cfg.ClusterName)
	assert.Equal(t, "falco", cfg.ConsumerGroup)
	assert.Equal(t, "kubeauditlogcontainer", cfg.BlobContainerName, "the chart's own default")
}

// TestAnyVariableOfTheDaemonCanBeGivenWithoutAChangeOfTheChart holds for variables to come: the list is the daemon's
// own.
func TestAnyVariableOfTheDaemonCanBeGivenWithoutAChangeOfTheChart(t *testing.T) {
	t.Parallel()
	settings, want := []string{withSecret, "config.A_VARIABLE_TO_COME=x"}, map[string]string{"A_VARIABLE_TO_COME": "x"}
	for _, v := range variable.Table() {
		// A folder for checkpoints excludes a storage account, and local statistics exclude probes.
		if v.Secret || v.Name == "CHECKPOINTDIR" || v.Name == "STATSADDRESS" {
			continue
		}
		require.NotEmpty(t, v.Example)
		want[v.Name] = v.Example
		settings = append(settings, fmt.Sprintf("config.%s=%s", v.Name, strings.ReplaceAll(v.Example, ",", `\,`)))
	}
	data := only(t, render(t, settings...), "ConfigMap").strings(t, "data")
	assert.Equal(t, want, data)
}

func TestNoSecretLandsInAConfigMap(t *testing.T) {
	t.Parallel()
	for _, v := range variable.Table() {
		if v.Secret {
			said := refusal(t, withSecret, "config."+v.Name+"=x")
			assert.Contains(t, said, "config."+v.Name+" is a secret or holds one")
		}
	}
	for _, value := range []string{
		"WEBSINKURL=https://user:password@falco.example.com/", "HTTPS_PROXY=http://user@proxy:3128",
		"SOMETHING=Endpoint=sb://a.b/;SharedAccessKey=x", "SOMETHING=AccountName=a;accountkey=x", "SOMETHING=https://a.b/?sv=1&sig=x", "AZURE_CLIENT_SECRET=x",
	} {
		assert.Contains(t, refusal(t, withSecret, "config."+value), "is a secret or holds one")
	}

	objects := render(t, chart+"/ci/created-secret-values.yaml")
	for _, key := range []string{"bWFkZS11cC1odWIta2V5", "bWFkZS11cC1zdG9yYWdlLWtleQ=="} {
		for _, one := range objects {
			assert.NotContains(t, fmt.Sprint(one), key, "%s", one.kind())
		}
		assert.Contains(t, fmt.Sprint(environmentOf(t, objects, container(t, objects))), key)
	}
}

func TestASecretWinsOverTheConfiguration(t *testing.T) {
	t.Parallel()
	objects := render(t, chart+"/ci/created-secret-values.yaml", "secret.data.WEBSINKURL=https://user:password@falco.example.com/k8s-audit")
	assert.Equal(t, "falco.example.com", load(t, objects).SinkURL.Host)
}

func TestPodsAreReplacedWhenTheirVariablesChange(t *testing.T) {
	t.Parallel()
	const file = chart + "/ci/created-secret-values.yaml"
	checksums := func(settings ...string) [2]any {
		annotations := only(t, render(t, append([]string{file}, settings...)...), "Deployment").under("spec/template/metadata/annotations")
		return [2]any{annotations["checksum/config"], annotations["checksum/secret"]}
	}
	first := checksums()
	assert.Equal(t, first, checksums("image.tag=2.0.0"))
	config := checksums("config.LOGLEVEL=debug")
	assert.NotEqual(t, first[0], config[0])
	assert.Equal(t, first[1], config[1])
	secret := checksums("secret.data.WEBSINKTOKEN=x")
	assert.Equal(t, first[0], secret[0])
	assert.NotEqual(t, first[1], secret[1])
}
