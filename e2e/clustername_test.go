package e2e

import (
	"os"
	"regexp"
	"testing"

	"github.com/falcosecurity/plugins/plugins/k8saudit/pkg/k8saudit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/e2e/harness"
)

// ofCluster returns a record of a cluster.
func ofCluster(name, log string) harness.Record {
	r := harness.RecordOf("kube-audit", log)
	r.ResourceID = "/SUBSCRIPTIONS/S/RESOURCEGROUPS/G/PROVIDERS/MICROSOFT.CONTAINERSERVICE/MANAGEDCLUSTERS/" + name
	return r
}

// The events are a real hub event, a hub event of two other clusters, and events that must be repaired.
func TestFalcoIsToldWhichClusterAnAuditEventIsOf(t *testing.T) {
	t.Parallel()
	body, audits := harness.RealHubEvent(t)
	hub, f := harness.StartHub(t, 1), harness.StartFalco(t)
	cut := harness.AuditEvent("0", 2)
	own := `{"kind":"Event","auditID":"own","stageTimestamp":"2026-01-02T03:04:05Z","annotations":{"cluster_name":"Mine"}}`
	hub.Append("0", body)
	hub.Append("0", harness.HubEvent(t, ofCluster("PROD-EU", harness.AuditEvent("0", 0)), ofCluster("PROD-US", harness.AuditEvent("0", 1)),
		ofCluster("PROD-EU", cut[:len(cut)-30]), ofCluster("PROD-EU", own)))
	nameless := harness.RecordOf("kube-audit", harness.AuditEvent("0", 3))
	nameless.ResourceID = ""
	hub.Append("0", harness.HubEvent(t, nameless))
	d := harness.StartDaemon(t, harness.BlobSettings(t, hub, harness.NewBlobs(t), f.URL).With(harness.Settings{"CLUSTERNAME": "on"}))
	got := f.Await(t, len(audits)+5)
	d.Stop(t)
	require.Len(t, got, len(audits)+5)
	for i, event := range got[:len(audits)] {
		name := harness.FalcoField(t, event, "ka.cluster.name")
		assert.Regexp(t, "^[a-z0-9-]+$", name)
		assert.Contains(t, event, harness.AsFalcoSees(t, audits[i])[:100])
		assert.Equal(t, harness.FalcoField(t, audits[i], "ka.auth.reason"), harness.FalcoField(t, event, "ka.auth.reason"))
	}
	var names []any
	for _, event := range got[len(audits):] {
		names = append(names, harness.FalcoField(t, event, "ka.cluster.name"))
	}
	assert.Equal(t, []any{"prod-eu", "prod-us", "prod-eu", "Mine", nil}, names)
	assert.Contains(t, d.Output.String(), "records do not name their cluster")
}

// Falco does not start if a rule uses a field that the plugin does not have.
func TestTheGuidesRuleNamesFieldsThatFalcosPluginHas(t *testing.T) {
	guide, err := os.ReadFile("../docs/operations.md")
	require.NoError(t, err)
	known := map[string]bool{}
	for _, field := range (&k8saudit.Plugin{}).Fields() {
		known[field.Name] = true
	}
	named := regexp.MustCompile(`\bka\.[a-z_.]+[a-z]`).FindAllString(string(guide), -1)
	require.Contains(t, named, "ka.cluster.name")
	for _, name := range named {
		assert.True(t, known[name], name)
	}
}
