//go:build chart

package deploy

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTheAlertRulesAndTheDashboardAreThoseOfTheFiles(t *testing.T) {
	t.Parallel()
	objects := render(t, withSecret, "prometheusRules.enabled=true", "grafana.dashboards.enabled=true")

	content, err := os.ReadFile(chart + "/files/rules.yaml")
	require.NoError(t, err)
	want := parse(t, content)[0]
	assert.Equal(t, want["groups"], only(t, objects, "PrometheusRule").at("spec/groups"))

	content, err = os.ReadFile(chart + "/files/dashboard.json")
	require.NoError(t, err)
	for _, one := range ofKind(objects, "ConfigMap") {
		if one.at("metadata/labels/grafana_dashboard") == "1" {
			shown, _ := one.at("data/aks-audit-log-go.json").(string)
			assert.JSONEq(t, string(content), shown)
			return
		}
	}
	t.Error("no ConfigMap with the label that Grafana's sidecar looks for")
}

func TestAnAlertCanBeLeftOutAndOthersAdded(t *testing.T) {
	t.Parallel()
	alerts := func(settings ...string) []any {
		var names []any
		rule := only(t, render(t, append([]string{chart + "/ci/everything-values.yaml"}, settings...)...), "PrometheusRule")
		for _, group := range rule.list("spec/groups") {
			for _, one := range group.list("rules") {
				names = append(names, one["alert"])
			}
		}
		return names
	}
	all := alerts()
	require.Contains(t, all, "AuditForwarderQuiet", "one of additionalGroups")
	if len(all) > 1 {
		name, _ := all[0].(string)
		assert.NotContains(t, alerts("prometheusRules.disabledAlerts[0]="+name), all[0])
	}
}

func TestEveryMonitorCallsItsJobAsTheChart(t *testing.T) {
	t.Parallel()
	for _, settings := range [][]string{
		{withSecret, "serviceMonitor.enabled=true", "nameOverride=other", "fullnameOverride=another"},
		{withSecret, "podMonitor.enabled=true", "nameOverride=other", "fullnameOverride=another"},
	} {
		objects := render(t, settings...)
		var monitor object
		labels := only(t, objects, "Service").strings(t, "metadata/labels")
		if found := ofKind(objects, "PodMonitor"); len(found) == 1 {
			monitor, labels = found[0], only(t, objects, "Deployment").strings(t, "spec/template/metadata/labels")
		} else {
			monitor = only(t, objects, "ServiceMonitor")
		}
		label, _ := monitor.at("spec/jobLabel").(string)
		assert.Equal(t, "aks-audit-log-go", labels[label])
	}
}

func TestAzureMonitorsLimitsAreNamedToIt(t *testing.T) {
	t.Parallel()
	monitor := only(t, render(t, chart+"/ci/managed-prometheus-values.yaml"), "PodMonitor")
	assert.Equal(t, "azmonitoring.coreos.com/v1", monitor["apiVersion"])
	assert.Equal(t, 63, monitor.at("spec/labelLimit"))
	monitor = only(t, render(t, withSecret, "podMonitor.enabled=true"), "PodMonitor")
	assert.Nil(t, monitor.at("spec/labelLimit"))
}
