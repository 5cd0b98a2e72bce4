//go:build chart

package deploy

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/forwarder/variable"
)

// TestTheAzureSetUpSetsValuesThatTheChartAndTheDaemonKnow ties deploy/azure, whose own tests only have a fake helm, to
// the chart.
func TestTheAzureSetUpSetsValuesThatTheChartAndTheDaemonKnow(t *testing.T) {
	t.Parallel()
	script, err := os.ReadFile("azure/make.sh")
	require.NoError(t, err)
	variables := map[string]string{}
	for _, v := range variable.Table() {
		variables[v.Name] = v.Example
	}

	var settings []string
	want := map[string]string{}
	for _, match := range regexp.MustCompile(`--set(?:-string)? "?([\w.]+)=([^\s"]*)`).FindAllStringSubmatch(string(script), -1) {
		name, value := match[1], match[2]
		if known, isVariable := strings.CutPrefix(name, "config."); isVariable {
			value = variables[known]
			require.NotEmpty(t, value, "the daemon has no variable %s", known)
			want[known] = value
		}
		settings = append(settings, name+"="+value)
	}
	require.Greater(t, len(settings), len(want))
	require.Greater(t, len(want), 3)

	objects := render(t, settings...) // the schema refuses what the chart does not know
	assert.Equal(t, want, only(t, objects, "ConfigMap").strings(t, "data"))
	cfg := load(t, objects)
	assert.Equal(t, variables["EVENTHUBNAMESPACE"], cfg.HubConnection.Host)
	assert.Empty(t, cfg.Warnings)
}
