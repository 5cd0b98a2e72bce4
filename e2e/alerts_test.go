//go:build look

package e2e

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"aks-audit-log-go/e2e/harness"
)

const alertTests = "testdata/alerts.yaml"

// alert is a rule, as Prometheus reads it.
type alert struct {
	Alert       string            `yaml:"alert"`
	Expr        string            `yaml:"expr"`
	Labels      map[string]string `yaml:"labels"`
	Annotations map[string]string `yaml:"annotations"`
}

func readAlerts(t *testing.T) (alerts []alert) {
	t.Helper()
	text, err := os.ReadFile(chartFiles + "rules.yaml")
	require.NoError(t, err)
	var file struct {
		Groups []struct {
			Rules []alert `yaml:"rules"`
		} `yaml:"groups"`
	}
	require.NoError(t, yaml.Unmarshal(text, &file))
	for _, group := range file.Groups {
		alerts = append(alerts, group.Rules...)
	}
	require.NotEmpty(t, alerts)
	return alerts
}

// promtool runs Prometheus's promtool, which must report no error.
func promtool(t *testing.T, args ...string) {
	t.Helper()
	binary, err := exec.LookPath("promtool")
	require.NoError(t, err, harness.PrometheusPackage)
	out, err := exec.CommandContext(t.Context(), binary, args...).CombinedOutput()
	require.NoError(t, err, "promtool %s\n%s", strings.Join(args, " "), out)
}

func TestEachAlertFiresOnItsFaultAndIsSilentInNormalWork(t *testing.T) {
	t.Parallel()
	promtool(t, "check", "rules", "--lint-fatal", chartFiles+"rules.yaml")
	promtool(t, "test", "rules", alertTests)
	tests, err := os.ReadFile(alertTests)
	require.NoError(t, err)
	for _, alert := range readAlerts(t) {
		assert.Contains(t, string(tests), `{ labels: '{alertname="`+alert.Alert+`"`, "a test in which it fires")
	}
}

// A rule that names a metric or a label that does not exist never fires, and this goes unnoticed.
func TestTheAlertsAskForMetricsAndLabelsThatARealDaemonHas(t *testing.T) {
	t.Parallel()
	p := harness.StartMonitored(t)
	selector := regexp.MustCompile(`\b(?:aks_audit_log|process)_\w+({[^}]*})?`)
	by := regexp.MustCompile(`\b(?:by|on) \(([\w, ]+)\)`)
	for _, alert := range readAlerts(t) {
		selectors := selector.FindAllString(alert.Expr, -1)
		require.NotEmpty(t, selectors, alert.Alert)
		labels := map[string]bool{}
		for _, asked := range selectors {
			for label := range p.AwaitResult(t, asked)[0] {
				labels[label] = true
			}
		}
		for _, list := range by.FindAllStringSubmatch(alert.Expr, -1) {
			for label := range strings.SplitSeq(list[1], ", ") {
				assert.True(t, labels[label], "%s groups by %s", alert.Alert, label)
			}
		}
	}
	found := p.AwaitResult(t, readExpr(t, "AksAuditLogSinkFailing"))
	assert.Equal(t, []harness.Series{{"namespace": "falco", "job": "aks-audit-log-go"}}, found, "the one fault that there is just now")
}

func readExpr(t *testing.T, name string) string {
	t.Helper()
	for _, alert := range readAlerts(t) {
		if alert.Alert == name {
			return alert.Expr
		}
	}
	require.Fail(t, "no such alert", name)
	return ""
}

func TestEachAlertSaysWhatItIsHowBadItIsAndWhatThereIsToDo(t *testing.T) {
	t.Parallel()
	guide, err := os.ReadFile("../docs/operations.md")
	require.NoError(t, err)
	for _, alert := range readAlerts(t) {
		assert.Contains(t, []string{"critical", "warning"}, alert.Labels["severity"], alert.Alert)
		assert.NotEmpty(t, alert.Annotations["summary"], alert.Alert)
		assert.NotEmpty(t, alert.Annotations["description"], alert.Alert)
		assert.Equal(t, "docs/operations.md#"+strings.ToLower(alert.Alert), alert.Annotations["runbook_url"])
		section := regexp.MustCompile(`(?m)^### ` + alert.Alert + `$`)
		assert.True(t, section.Match(guide), "docs/operations.md has a section on %s", alert.Alert)
	}
}
