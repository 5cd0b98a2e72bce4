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

// thresholds are all that can be set, each with what is in the rule instead.
var thresholds = map[string]struct{ set, old, new string }{
	"AksAuditLogNothingDelivered": {"25m", "[10m]", "[25m]"},
	"AksAuditLogNothingArrives":   {"2h", "[30m]", "[2h]"},
	"AksAuditLogClusterSilent":    {"1h", "> 600 <", "> 3600 <"},
	"AksAuditLogLagGrowing":       {"1m30s", "<= 300", "<= 90"},
	"AksAuditLogFarBehind":        {"42h", "> 6 * 3600", "> 151200"},
	"AksAuditLogRestarts":         {"7", "> 2", "> 7"},
}

func TestTheThresholdsOfAlertsCanBeSet(t *testing.T) {
	t.Parallel()
	settings := []string{withSecret, "prometheusRules.enabled=true"}
	for name, threshold := range thresholds {
		settings = append(settings, "prometheusRules.alerts."+name+".threshold="+threshold.set)
	}
	usual, set := rules(t, settings[:2]...), rules(t, settings...)
	require.Len(t, set, len(usual))
	for name, rule := range set {
		threshold, known := thresholds[name]
		if !known {
			assert.Equal(t, usual[name], rule)
			continue
		}
		old, _ := usual[name]["expr"].(string)
		require.Equal(t, 1, strings.Count(old, threshold.old), "%s", old)
		assert.Equal(t, strings.Replace(old, threshold.old, threshold.new, 1), rule["expr"])
		assert.Equal(t, usual[name]["for"], rule["for"])
	}
	assert.Contains(t, set["AksAuditLogLagGrowing"].at("annotations/description"), "late by more than 1m30s")
	assert.Contains(t, set["AksAuditLogNothingArrives"].at("annotations/description"), "no audit event for 2h, ")
	assert.Contains(t, set["AksAuditLogNothingDelivered"].at("annotations/description"), "has delivered nothing for 25m.")

	values, err := os.ReadFile(chart + "/values.yaml")
	require.NoError(t, err)
	for name := range thresholds {
		assert.Contains(t, string(values), name+" (", "the comment on prometheusRules.alerts names each")
	}
}

func TestTheTimeAndTheSeverityOfAnAlertCanBeSet(t *testing.T) {
	t.Parallel()
	set := rules(t, withSecret, "prometheusRules.enabled=true", "prometheusRules.runbookUrl=https://git.example.com",
		"prometheusRules.alerts.AksAuditLogNotRead.for=1h", "prometheusRules.alerts.AksAuditLogNotRead.severity=page",
		"prometheusRules.alerts.AksAuditLogEventsMissing.for=1m")
	rule := set["AksAuditLogNotRead"]
	assert.Equal(t, "1h", rule["for"])
	assert.Equal(t, "page", rule.at("labels/severity"))
	assert.Contains(t, rule.at("annotations/description"), "For 1h {{ $value }} partitions")
	assert.Equal(t, "https://git.example.com/docs/operations.md#aksauditlognotread", rule.at("annotations/runbook_url"))
	assert.Equal(t, "1m", set["AksAuditLogEventsMissing"]["for"])
	assert.Contains(t, set["AksAuditLogEventsMissing"].at("annotations/description"), "In the last 15 minutes", "it is of the expression")
	assert.Equal(t, "critical", set["AksAuditLogEventsMissing"].at("labels/severity"))
}

// rules are the alert rules that the chart makes of its own, by name.
func rules(t *testing.T, settings ...string) map[string]object {
	t.Helper()
	all := map[string]object{}
	for _, rule := range only(t, render(t, settings...), "PrometheusRule").list("spec/groups")[0].list("rules") {
		name, _ := rule["alert"].(string)
		all[name] = rule
	}
	return all
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
