package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/e2e/harness"
	"aks-audit-log-go/eventhub"
)

// The audit events are those of a real kube-apiserver: of every stage, with errors, Panic and 101, padded, over 16
// KiB, deeper than Falco reads, and with bytes that are not UTF-8. They first arrive whole, and then as AKS cuts them.
func TestNoAuditEventOfARealAPIServerIsLostChangedOrInvented(t *testing.T) {
	t.Parallel()
	events := harness.APIServerEvents(t)
	logs := slices.Concat(events, events)
	var want []string // the whole audit events that must arrive
	var letters []string
	for n, event := range logs {
		if n >= len(events) {
			logs[n] = event[:min(len(event), aksLimit)]
		}
		switch {
		case logs[n] != event && valueEnd(event, "username", 0) > aksLimit: // cut before its user
			letters = append(letters, logs[n])
			continue
		case brackets(event) > falcoDepth:
			letters = append(letters, event)
		}
		want = append(want, event)
	}
	require.Len(t, letters, 4, "the samples hold audit events of both kinds")

	hub, s, folder := harness.StartHub(t, 1), harness.StartSink(t), t.TempDir()
	for some := range slices.Chunk(logs, 10) {
		hub.Append("0", harness.RawAuditHubEvent(some...))
	}
	d := harness.StartDaemon(t, harness.HubSettings(t, hub, s.URL).With(harness.Settings{"CHECKPOINTDIR": folder}))
	s.Await(t, len(want))
	d.AwaitMetric(t, harness.VerdictSeries("delivered"), float64(len(want)))
	assert.InDelta(t, len(logs)-len(want), d.Metric(t, harness.VerdictSeries("dead_lettered")), 0)
	for _, verdict := range []string{"skipped", "dropped"} {
		assert.Zero(t, d.Metric(t, harness.VerdictSeries(verdict)), verdict)
	}
	d.Stop(t)
	got := s.Accepted()
	require.Len(t, got, len(want))
	salvaged := 0
	for n, event := range want {
		if brackets(event) > falcoDepth || n >= len(events) && len(event) > aksLimit {
			salvaged++
			assertReduced(t, event, got[n])
		} else {
			assert.Equal(t, event, got[n], "byte for byte")
		}
	}
	assert.Greater(t, salvaged, len(letters))
	assert.ElementsMatch(t, letters, letterContents(t, folder))
}

// falcoDepth is how many levels of an audit event Falco's plugin reads.
const falcoDepth = 298

// brackets returns how deeply an audit event is nested.
func brackets(event string) int {
	deepest, level, inString := 0, 0, false
	for at := 0; at < len(event); at++ {
		switch c := event[at]; {
		case inString && c == '\\':
			at++
		case c == '"':
			inString = !inString
		case !inString && (c == '{' || c == '['):
			level++
			deepest = max(deepest, level)
		case !inString && (c == '}' || c == ']'):
			level--
		}
	}
	return deepest + 1 // the innermost scalar
}

// letterContents returns the contents of the dead letters in a folder.
func letterContents(t *testing.T, folder string) []string {
	t.Helper()
	objects, err := harness.StateInFolder(folder).DeadLetters(t.Context())
	require.NoError(t, err)
	var contents []string
	for _, object := range objects {
		stored, err := os.ReadFile(filepath.Join(folder, filepath.FromSlash(harness.DeadLetterPath+object.Object)))
		require.NoError(t, err)
		letters, err := eventhub.DecodeDeadLetters(object.Object, stored)
		require.NoError(t, err)
		for _, letter := range letters {
			contents = append(contents, string(letter.Content))
		}
	}
	return contents
}

// assertReduced checks that a salvaged or reduced event has only parts of the original, and its marks.
func assertReduced(t *testing.T, original, salvaged string) {
	t.Helper()
	var want, got map[string]any
	require.NoError(t, json.Unmarshal([]byte(original), &want))
	require.NoError(t, json.Unmarshal([]byte(salvaged), &got), salvaged)
	annotations, _ := got["annotations"].(map[string]any)
	assert.Equal(t, "true", annotations["audit.k8s.io/truncated"], "what was cut says so")
	assert.NotEmpty(t, got["stageTimestamp"])
	for _, key := range []string{"kind", "apiVersion", "level", "auditID", "stage", "requestURI", "verb", "user"} {
		assert.Equal(t, want[key], got[key], key)
	}
	for key, value := range got {
		if key != "annotations" && key != "stageTimestamp" { // the daemon sets them
			assert.True(t, isPartOf(value, want[key]), "%s of %s", key, got["auditID"])
		}
	}
}

// isPartOf reports whether a JSON value equals another one, or lacks only members or elements at its end.
func isPartOf(part, whole any) bool {
	switch part := part.(type) {
	case map[string]any:
		of, ok := whole.(map[string]any)
		for key, value := range part {
			ok = ok && isPartOf(value, of[key])
		}
		return ok
	case []any:
		of, ok := whole.([]any)
		ok = ok && len(part) <= len(of)
		for i := 0; ok && i < len(part); i++ {
			ok = isPartOf(part[i], of[i])
		}
		return ok
	default:
		return part == whole
	}
}
