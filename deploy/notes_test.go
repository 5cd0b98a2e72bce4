//go:build chart

package deploy

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// notes returns what "helm install" prints at its end. Only with a cluster would it, so a copy of the chart has it as
// an object.
func notes(t *testing.T, settings ...string) string {
	t.Helper()
	dir := copyOfChart(t)
	require.NoError(t, os.Rename(filepath.Join(dir, "templates", "NOTES.txt"), filepath.Join(dir, "notes.txt")))
	const asObject = `{{ dict "kind" "Notes" "text" (tpl (.Files.Get "notes.txt") .) | toYaml }}`
	require.NoError(t, os.WriteFile(filepath.Join(dir, "templates", "notes.yaml"), []byte(asObject), 0o600))
	text, ok := only(t, renderCopy(t, dir, settings...), "Notes")["text"].(string)
	require.True(t, ok)
	return text
}

func TestTheNotesSayWhatToLookAt(t *testing.T) {
	t.Parallel()
	said := notes(t, withSecret)
	for _, command := range []string{
		"kubectl -n falco rollout status deployment/release-aks-audit-log-go\n", "kubectl -n falco port-forward service/release-aks-audit-log-go 9000:9000\n",
		"helm -n falco test release\n", "kubectl -n falco exec deployment/release-aks-audit-log-go -- /aks-audit-log-go checkpoints show\n",
	} {
		assert.Contains(t, said, command)
	}
	assert.NotContains(t, said, "nameOverride")
	assert.Contains(t, said, "EVENTHUBCONSUMERGROUP is not set")
	assert.Contains(t, said, "the image aks-audit-log-go:dev names no registry")
	assert.NotContains(t, said, "KEDA")
	assert.NotContains(t, said, "WARNING")
	assert.NotContains(t, said, "\n\n\n")

	assert.Contains(t, notes(t, withSecret, "config.WEBSINKURL=http://falco:8765/k8s-audit"), "listens on port 9765, not on 8765")
	assert.Contains(t, notes(t, withSecret, "keda.enabled=true"), "EHUBNAMESPACECONNECTIONSTRING\nin the Secret aks-audit-log-go")
	assert.Contains(t, notes(t, withSecret, "service.enabled=false"), "port-forward deployment/release-aks-audit-log-go 9000:9000\n")
	assert.Contains(t, notes(t, withSecret, "config.EVENTHUBNAMESPACE=ns.servicebus.windows.net"), "workloadIdentity.enabled is not")
	said = notes(t, chart+"/ci/identity-values.yaml")
	assert.NotContains(t, said, "workloadIdentity")
	assert.NotContains(t, said, "EVENTHUBCONSUMERGROUP")
}

func TestTheNotesShowNoSecret(t *testing.T) {
	t.Parallel()
	said := notes(t, chart+"/ci/created-secret-values.yaml", "secret.data.WEBSINKURL=https://user:hidden@falco.example.com/")
	assert.Contains(t, said, "kubectl -n audit rollout status deployment/audit-forwarder\n")
	assert.Contains(t, said, "NOTE: nameOverride (forwarder) is in the selector")
	assert.NotContains(t, said, "names no registry")
	for _, secret := range []string{"hidden", "SharedAccessKey", "AccountKey"} {
		assert.NotContains(t, strings.ToLower(said), strings.ToLower(secret))
	}
}
