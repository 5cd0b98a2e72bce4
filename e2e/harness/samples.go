package harness

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"aks-audit-log-go/internal/eventhubtest"

	"github.com/stretchr/testify/require"
)

// RealHubEvent returns a hub event that AKS wrote, and its audit events as they must be delivered.
func RealHubEvent(t *testing.T) (body []byte, auditEvents []string) {
	t.Helper()
	body = eventhubtest.Samples(t, "aks-hub-event.json")["aks-hub-event.json"]
	var hubEvent struct {
		Records []struct {
			Properties struct {
				Log string `json:"log"`
			} `json:"properties"`
		} `json:"records"`
	}
	require.NoError(t, json.Unmarshal(body, &hubEvent))
	for _, record := range hubEvent.Records {
		auditEvents = append(auditEvents, strings.TrimSpace(record.Properties.Log))
	}
	require.Len(t, auditEvents, 22)
	return body, auditEvents
}

// RealAuditEvents returns real audit events without the AKS envelope, by file.
func RealAuditEvents(t *testing.T) map[string][]string {
	t.Helper()
	files := map[string][]string{}
	for name, content := range eventhubtest.Samples(t, "*_*.json") {
		for line := range bytes.Lines(content) {
			if event := string(bytes.TrimSpace(line)); event != "" {
				files[name] = append(files[name], event)
			}
		}
	}
	return files
}

// APIServerEvents returns audit events of a kube-apiserver, byte for byte as it logged them.
func APIServerEvents(t *testing.T) []string {
	t.Helper()
	var events []string
	for line := range bytes.Lines(eventhubtest.Samples(t, "apiserver-audit.jsonl")["apiserver-audit.jsonl"]) {
		events = append(events, string(bytes.TrimSuffix(line, []byte("\n"))))
	}
	require.Len(t, events, 100)
	return events
}

// FieldCase is a hub event of a form that public reports describe.
type FieldCase struct {
	Name       string            `json:"name"`
	Body       string            `json:"body"`
	BodyBase64 []byte            `json:"bodyBase64"`
	Env        map[string]string `json:"env"`
}

// FieldCases returns the field cases that need no settings of their own, sorted by name.
func FieldCases(t *testing.T) []FieldCase {
	t.Helper()
	samples := eventhubtest.Samples(t, "field/*.json")
	var cases []FieldCase
	for _, name := range slices.Sorted(maps.Keys(samples)) {
		var c FieldCase
		require.NoError(t, json.Unmarshal(samples[name], &c), name)
		if c.Body == "" {
			c.Body = string(c.BodyBase64)
		}
		if len(c.Env) == 0 {
			cases = append(cases, c)
		}
	}
	return cases
}
