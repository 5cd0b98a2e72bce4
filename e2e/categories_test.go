package e2e

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"aks-audit-log-go/e2e/harness"
)

func TestANameThatIsNoCategoryIsWarnedOf(t *testing.T) {
	t.Parallel()
	for categories, says := range map[string]string{
		"allLogs":                     "CATEGORIES has allLogs, which is one of Azure's category groups and not a category",
		"audit":                       "CATEGORIES has audit, which is one of Azure's category groups and not a category",
		"kube-audits":                 "CATEGORIES has kube-audits, which is not known as a log category of AKS",
		"kube-audit,kube-audit-admin": "",
		"kube-audit-admin":            "",
	} {
		t.Run(categories, func(t *testing.T) {
			t.Parallel()
			hub, s := harness.StartHub(t, 1), harness.StartSink(t)
			environ := harness.HubSettings(t, hub, s.URL).With(harness.Settings{"CHECKPOINTDIR": t.TempDir(), "CATEGORIES": categories})
			code, report, _ := harness.RunToEnd(t, environ, "check")
			assert.Zero(t, code, report)
			d := harness.StartDaemon(t, environ)
			d.AwaitReady(t)
			_, status := harness.Get(t.Context(), d.StatsURL+"/status.json")
			d.Stop(t)
			warnings := 0
			for _, line := range d.LogLines(t) {
				if line["level"] == "warn" && strings.Contains(line["msg"].(string), "CATEGORIES") {
					warnings++
					assert.Contains(t, line["msg"], says)
				}
			}
			if says == "" {
				assert.Zero(t, warnings)
				assert.NotContains(t, report, "mind: CATEGORIES")
				assert.NotContains(t, status, "CATEGORIES has")
				return
			}
			assert.Equal(t, 1, warnings)
			assert.Contains(t, report, "✓ configuration: complete\n  mind: "+says)
			assert.Contains(t, unescaped(status), says, "the status page has it among the recent warnings")
		})
	}
}

// unescaped undoes what encoding/json does to an apostrophe, for a page that escapes it.
func unescaped(page string) string { return strings.ReplaceAll(page, `\u0027`, "'") }
