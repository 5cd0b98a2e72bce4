//go:build chart

package deploy

import (
	"fmt"
	"os"
	"strings"
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

// TestAnAlertCanBeLeftOutAndOthersAdded has rules of its own, whose texts hold what Helm would take for its own.
func TestAnAlertCanBeLeftOutAndOthersAdded(t *testing.T) {
	t.Parallel()
	dir := copyOfChart(t)
	const rules = `
groups:
  - name: first
    interval: 1m
    rules:
      - {record: a:b, expr: sum(b)}
      - {alert: One, expr: b > 1, annotations: {summary: 'Partition {{ $labels.partition }} lags by {{ $value }}'}}
      - {alert: Two, expr: b > 2}
  - name: second
    rules: [{alert: Three, expr: b > 3}]
`
	require.NoError(t, os.WriteFile(dir+"/files/rules.yaml", []byte(rules), 0o600))
	shown := func(settings ...string) any {
		return only(t, renderCopy(t, dir, append([]string{withSecret, "prometheusRules.enabled=true"}, settings...)...), "PrometheusRule").at("spec/groups")
	}
	groups := parse(t, []byte(rules))[0].list("groups")
	assert.Equal(t, []any{groups[0], groups[1]}, shown())

	mine := object{"name": "mine", "rules": []any{object{"alert": "Four", "expr": "b"}}}
	first := groups[0].list("rules")
	groups[0]["rules"] = []any{first[0], first[1]}
	assert.Equal(t, []any{groups[0], groups[1], mine}, shown("prometheusRules.disabledAlerts[0]=Two", "prometheusRules.additionalGroups[0].name=mine",
		"prometheusRules.additionalGroups[0].rules[0].alert=Four", "prometheusRules.additionalGroups[0].rules[0].expr=b"))
}

func TestTheRunbookOfEachAlertIsFoundBehindTheAddressThatIsGiven(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"https://git.example.com/blob/main", "https://git.example.com/blob/main/"} {
		rule := only(t, render(t, withSecret, "prometheusRules.enabled=true", "prometheusRules.runbookUrl="+address,
			"prometheusRules.additionalGroups[0].name=mine", "prometheusRules.additionalGroups[0].rules[0].alert=Mine",
			"prometheusRules.additionalGroups[0].rules[0].annotations.runbook_url=mine.md"), "PrometheusRule")
		groups := rule.list("spec/groups")
		for _, alert := range groups[0].list("rules") {
			assert.Equal(t, "https://git.example.com/blob/main/docs/operations.md#"+strings.ToLower(fmt.Sprint(alert["alert"])), alert.at("annotations/runbook_url"))
		}
		assert.Equal(t, "mine.md", groups[1].list("rules")[0].at("annotations/runbook_url"), "rules of one's own are left as they are")
	}
}

func TestTheStatusPageLinksToTheRunbookOfTheAlerts(t *testing.T) {
	t.Parallel()
	const address = "prometheusRules.runbookUrl=https://git.example.com/blob/main"
	shown := func(settings ...string) any {
		return only(t, render(t, append([]string{withSecret}, settings...)...), "ConfigMap").at("data/RUNBOOKURL")
	}
	assert.Nil(t, shown())
	assert.Equal(t, "https://git.example.com/blob/main", shown(address))
	assert.Equal(t, "https://other.example.com", shown(address, "config.RUNBOOKURL=https://other.example.com"))
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
