package e2e

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// logLines parses what a daemon printed: a JSON object a line.
func (d *daemon) logLines(t *testing.T) []map[string]any {
	t.Helper()
	var lines []map[string]any
	for text := range strings.Lines(d.out.String()) {
		var line map[string]any
		require.NoError(t, json.Unmarshal([]byte(text), &line), "a log line is JSON: %s", text)
		lines = append(lines, line)
	}
	return lines
}

func TestTheDebugLogShowsEachStepOfAnEventsWay(t *testing.T) {
	t.Parallel()
	hub, s := startHub(t, 1), startSink(t)
	hub.Append("0", auditHubEvent(t, auditEvent("0", 0)))
	sequence := hub.Append("0", auditHubEvent(t, auditEvent("0", 1)))
	d := startDaemon(t, blobSettings(t, hub, newContainer(t), s.URL).with(settings{"POSTBATCHMAXEVENTS": "1"}))
	s.await(t, 2)
	d.stop(t)

	var steps []string
	for _, line := range d.logLines(t) {
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
