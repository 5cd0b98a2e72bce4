package e2e

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"aks-audit-log-go/e2e/harness"
)

func TestTheDebugLogShowsEachStepOfAnEventsWay(t *testing.T) {
	t.Parallel()
	hub, s := harness.StartHub(t, 1), harness.StartSink(t)
	hub.Append("0", harness.AuditHubEvent(t, harness.AuditEvent("0", 0)))
	sequence := hub.Append("0", harness.AuditHubEvent(t, harness.AuditEvent("0", 1)))
	d := harness.StartDaemon(t, harness.BlobSettings(t, hub, harness.NewBlobs(t), s.URL).With(harness.Settings{"POSTBATCHMAXEVENTS": "1"}))
	s.Await(t, 2)
	d.Stop(t)

	var steps []string
	for _, line := range d.LogLines(t) {
		if line["sequence"] == float64(sequence) && line["partition"] == "0" && line["level"] == "debug" {
			steps = append(steps, line["msg"].(string))
		}
		if line["msg"] == "sink accepted audit event" {
			assert.Contains(t, line, "audit_id")
		}
	}
	assert.Equal(t, []string{
		"hub event received", "hub event unpacked", "posting audit event", "sink accepted audit event",
		"hub event done", "checkpoint written",
	}, steps)
}
