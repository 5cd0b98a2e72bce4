package e2e

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"aks-audit-log-go/e2e/harness"
)

// auditIDs returns the auditIDs in a text, in their order, whether or not the text is in strings. A data export writes
// AuditId.
func auditIDs(text string) []string {
	var ids []string
	for _, match := range regexp.MustCompile(`(?:auditID|AuditId)\\*":\s*\\*"([0-9a-f-]+)`).FindAllStringSubmatch(text, -1) {
		ids = append(ids, match[1])
	}
	return ids
}

// After each body of another form, a usual hub event follows.
func TestAuditEventsArriveInWhateverShapePublicReportsTellOf(t *testing.T) {
	t.Parallel()
	hub, s := harness.StartHub(t, 1), harness.StartSink(t)
	var want []string
	for n, c := range harness.FieldCases(t) {
		hub.Append("0", []byte(c.Body))
		hub.Append("0", harness.AuditHubEvent(t, harness.AuditEvent("0", n)))
		if c.Name != "ok-mixed-categories" { // its first audit event is a text of kube-apiserver
			want = append(want, auditIDs(c.Body)...)
		} else {
			want = append(want, auditIDs(c.Body)[1:]...)
		}
		want = append(want, harness.AuditID("0", n))
	}
	d := harness.StartDaemon(t, harness.HubSettings(t, hub, s.URL).With(harness.Settings{"CHECKPOINTDIR": t.TempDir()}))
	got := auditIDs(strings.Join(s.Await(t, len(want)), "\n"))
	assert.Equal(t, want, got, "each audit event once, in order")
	d.AwaitMetric(t, harness.VerdictSeries("delivered"), float64(len(want)))
	// ok-bad-in-the-middle and ok-klog-in-audit
	assert.InDelta(t, 2, d.Metric(t, harness.VerdictSeries("dead_lettered")), 0)
	d.Stop(t)
	warnings := 0
	for _, line := range d.LogLines(t) {
		if line["level"] == "warn" && strings.HasPrefix(line["msg"].(string), "skipped a record without a category") {
			warnings++
			assert.Equal(t, "id, eventType, subject, eventTime, data, dataVersion, topic", line["members"], "of the first of them")
		}
	}
	assert.Equal(t, 1, warnings)
}
