package e2e

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"aks-audit-log-go/e2e/harness"
	"aks-audit-log-go/internal/hubtest"
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

// unescaped undoes the escaping of an apostrophe by encoding/json, for a page that escapes it.
func unescaped(page string) string { return strings.ReplaceAll(page, `\u0027`, "'") }

func TestAHubOfOtherCategoriesIsToldUntilAuditRecordsCome(t *testing.T) {
	t.Parallel()
	hub, s := harness.StartHub(t, 1), harness.StartSink(t)
	d := harness.StartDaemon(t, harness.HubSettings(t, hub, s.URL).With(harness.Settings{"CHECKPOINTDIR": t.TempDir()}))
	appendOne := func(category, log string, ago time.Duration) {
		hub.AppendMessage("0", hubtest.Message{Body: [][]byte{harness.HubEvent(t, harness.RecordOf(category, log))}, Enqueued: time.Now().Add(-ago)})
	}
	skipped := harness.VerdictSeries("skipped")
	appendOne("kube-scheduler", harness.KlogLine, 20*time.Minute)
	appendOne("kube-scheduler", harness.KlogLine, 6*time.Minute)
	d.AwaitMetric(t, skipped, 2)
	d.AwaitReady(t)
	_, text := d.Readyz(t)
	assert.Equal(t, "ready: owning 1 of 1 partitions", strings.TrimSpace(text), "14 minutes")

	appendOne("kube-scheduler", harness.KlogLine, time.Minute)
	d.AwaitMetric(t, skipped, 3)
	status, text := d.Readyz(t)
	assert.Equal(t, http.StatusOK, status, "neither a restart nor another replica would mend it")
	assert.Contains(t, text, "; mind: nothing is watched: the hub has only records of kube-scheduler")

	appendOne("kube-audit", harness.AuditEvent("0", 0), 0)
	s.Await(t, 1)
	_, text = d.Readyz(t)
	assert.Equal(t, "ready: owning 1 of 1 partitions", strings.TrimSpace(text))
	d.Stop(t)
	assert.Equal(t, 1, strings.Count(d.Output.String(), "nothing is watched: "))
	assert.True(t, d.Output.Contains("records of CATEGORIES arrive again"))
}
