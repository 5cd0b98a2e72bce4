package e2e

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/e2e/harness"
)

// jsonKeys collects the keys of all objects, at any depth, in a text with a JSON value on each line. An audit event in
// the text is a string. Its keys are not collected, because they are not ours.
func jsonKeys(t *testing.T, text string, keys map[string]bool) {
	t.Helper()
	var collect func(value any)
	collect = func(value any) {
		switch value := value.(type) {
		case map[string]any:
			for key, inner := range value {
				keys[key] = true
				collect(inner)
			}
		case []any:
			for _, inner := range value {
				collect(inner)
			}
		}
	}
	decoder := json.NewDecoder(strings.NewReader(text))
	for decoder.More() {
		var value any
		require.NoError(t, decoder.Decode(&value), text)
		collect(value)
	}
}

func TestAllJSONHasItsKeysInOneSpelling(t *testing.T) {
	t.Parallel()
	hub, s := harness.StartHub(t, 2), harness.StartSink(t)
	refused := harness.AuditEvent("0", 0)
	s.Refuse(refused)
	hub.Append("0", harness.AuditHubEvent(t, refused, harness.AuditEvent("0", 1)))
	hub.Append("1", harness.HubEvent(t, harness.RecordOf("kube-apiserver", "a line")))
	hub.Append("1", []byte(`{"category":"kube-audit", not JSON`))
	environ := harness.BlobSettings(t, hub, harness.NewBlobs(t), s.URL).With(harness.Settings{"LOGLEVEL": "trace"})
	d := harness.StartDaemon(t, environ)
	d.AwaitReady(t)
	d.AwaitMetric(t, harness.VerdictSeries("dead_lettered"), 2)
	d.AwaitMetric(t, harness.VerdictSeries("delivered"), 1)
	harness.Wait(t, func() bool { return len(deadLetters(t, environ)) == 2 }, "the dead letters are stored")

	outputs := map[string]string{}
	for _, path := range []string{"/status.json", "/history.json", "/history.json?partition=0"} {
		_, outputs[path] = harness.Get(t.Context(), d.StatsURL+path)
	}
	letters := deadLetters(t, environ)
	for name, args := range map[string][]string{
		"check":            {"check", "-json"},
		"check offline":    {"check", "-json", "-offline"},
		"checkpoints show": {"checkpoints", "show", "-json"},
		"deadletters list": {"deadletters", "list", "-o", "json"},
		"deadletters show": {"deadletters", "show", letters[0].Name, "-json"},
		"another letter":   {"deadletters", "show", letters[1].Name, "-json"},
	} {
		code, stdout, stderr := harness.RunToEnd(t, environ, args...)
		require.Zero(t, code, "%s: %s", name, stderr)
		outputs[name] = stdout
	}
	d.Stop(t)
	outputs["log"] = d.Output.String()

	snakeCase := regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)
	for name, output := range outputs {
		keys := map[string]bool{}
		jsonKeys(t, output, keys)
		assert.Greater(t, len(keys), 3, name)
		for key := range keys {
			assert.Regexp(t, snakeCase, key, name)
		}
	}
	assert.Contains(t, outputs["deadletters show"]+outputs["another letter"], "stageTimestamp", "an audit event stays as it is")
}
