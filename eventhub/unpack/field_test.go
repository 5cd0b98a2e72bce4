package unpack

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/forwarder/audit"
	"aks-audit-log-go/internal/eventhubtest"
)

// fieldCase is a hub event of a shape that public reports describe.
type fieldCase struct {
	Body       string
	BodyBase64 []byte
	Env        map[string]string
	Expect     map[string]any
}

// fieldCases reads the cases beside this repository, by file.
func fieldCases(t *testing.T) map[string]fieldCase {
	t.Helper()
	cases := map[string]fieldCase{}
	for name, text := range eventhubtest.Samples(t, "field/*.json") {
		var c fieldCase
		require.NoError(t, json.Unmarshal(text, &c), name)
		if c.Body == "" {
			c.Body = string(c.BodyBase64)
		}
		cases[strings.TrimSuffix(name, ".json")] = c
	}
	return cases
}

// fieldOutcomes lists the records of the body of each field case, in order.
var fieldOutcomes = map[string][]string{
	"env-array-of-audit-events":     {"delivered", "delivered"},
	"env-bare-audit-event":          {"delivered"},
	"env-bare-audit-event-bom":      {"delivered"},
	"env-bare-event-list":           {"delivered", "delivered"},
	"env-data-export-aksaudit":      {"delivered"},
	"env-data-export-aksauditadmin": {"delivered"},
	"env-fluentbit-log":             {"delivered"},
	"env-logstash-message":          {"delivered"},
	"env-record-is-audit-event":     {"delivered"},
	"env-vector-openshift":          {"delivered"},
	"multi-audit-events-as-lines":   {"delivered", "delivered"},
	"multi-body-json-string":        {"delivered"},
	"multi-broken-record-between":   {"delivered", "skipped", "delivered"},
	"multi-cut-envelope":            {"delivered", "delivered", "salvaged"},
	"multi-records-as-lines":        {"delivered", "delivered"},
	"multi-trailing-nul":            {"delivered"},
	"multi-two-concatenated":        {"delivered", "delivered"},
	"multi-two-newline":             {"delivered", "delivered"},
	"foreign-functionapp":           {"skipped"},
	"foreign-postgresql":            {"skipped"},
	"cluster-agentpool":             {"delivered"},
	"cluster-arc":                   {"delivered"},
	"cluster-arc-extension":         {"delivered"},
	"cluster-fleet-member":          {"delivered"},
	"ok-array-of-records":           {"delivered", "delivered"},
	"ok-bad-in-the-middle":          {"delivered", "dead_lettered", "delivered"},
	"ok-bom":                        {"delivered"},
	"ok-eventgrid":                  {"skipped"},
	"ok-guard":                      {"skipped"},
	"ok-heartbeat":                  {"skipped"},
	"ok-klog-in-audit":              {"dead_lettered"},
	"ok-log-object":                 {"delivered"},
	"ok-mixed-categories":           {"skipped", "delivered", "delivered", "skipped"},
	"ok-raw-newline":                {"delivered"},
	"ok-record-alone":               {"delivered"},
	"ok-records-object":             {"delivered"},
	"ok-skipped-too-big":            {"delivered"},
	"ok-stream-analytics-members":   {"delivered"},
}

// outcome writes the outcome of a record as the field cases do.
func outcome(r Record) string {
	switch {
	case r.Verdict != "":
		return string(r.Verdict)
	case r.Repaired:
		return "salvaged"
	default:
		return "delivered"
	}
}

func TestEachFieldCaseHasItsRightOutcome(t *testing.T) {
	cases := fieldCases(t)
	assert.Equal(t, slices.Sorted(maps.Keys(fieldOutcomes)), slices.Sorted(maps.Keys(cases)), "each case has its outcome here, and each outcome its case")
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			u := testUnpacker()
			if c.Env["CLUSTERNAME"] == "on" {
				u = taggingUnpacker()
			}
			var got []string
			records := u.unpackBody([]byte(c.Body))
			for _, r := range records {
				got = append(got, outcome(r))
				assert.Equal(t, r.Verdict == audit.Skipped && r.Category == "", r.Shape() != "", "what is skipped for want of a category has a shape")
				if outcome(r) == "delivered" {
					assertStoodInBody(t, c, r)
				}
			}
			assert.Equal(t, fieldOutcomes[name], got)
			assertMeets(t, c.Expect, records)
		})
	}
}

// assertMeets compares records with what a field case expects of them.
func assertMeets(t *testing.T, expect map[string]any, records []Record) {
	t.Helper()
	counts := map[string]int{}
	for _, r := range records {
		counts[outcome(r)]++
		if reason, ok := expect["reason"].(string); ok && r.Verdict == audit.DeadLettered {
			assert.Equal(t, reason, r.Reason)
		}
		if cluster, ok := expect["cluster_name"].(string); ok {
			assert.Equal(t, cluster, clusterIn(t, r.Content))
			assert.Equal(t, cluster, r.Cluster)
		}
	}
	for outcomes, want := range expect {
		switch outcomes {
		case "reason", "cluster_name":
		case "not":
			assert.Zero(t, counts[want.(string)])
		default:
			count := 0
			for _, one := range strings.Split(outcomes, "_or_") {
				count += counts[one]
			}
			assert.EqualValues(t, want, count, outcomes)
		}
	}
}

// assertStoodInBody checks that an audit event stood in the body as it is delivered: as it is, in a string, or in a
// string in a string. The cluster's name and what is rebuilt of a table's row do not count.
func assertStoodInBody(t *testing.T, c fieldCase, r Record) {
	t.Helper()
	if strings.Contains(string(r.Content), `"aks-audit-log-go/rebuilt-from"`) {
		assertRebuilt(t, c, r)
		return
	}
	content := string(r.Content)
	if cluster, ok := c.Expect["cluster_name"].(string); ok {
		content = strings.Replace(content, `,"cluster_name":"`+cluster+`"`, "", 1)
	}
	found := false
	for range 3 {
		found = found || strings.Contains(c.Body, content)
		content = strings.Trim(jsonString(content), `"`)
	}
	assert.True(t, found, "%s stood in the body", r.Content)
}

// assertRebuilt checks that an audit event has all members of a row's columns.
func assertRebuilt(t *testing.T, c fieldCase, r Record) {
	t.Helper()
	var body struct{ Records []map[string]any }
	require.NoError(t, json.Unmarshal([]byte(c.Body), &body))
	require.Len(t, body.Records, 1)
	row := body.Records[0]
	annotations := row["Annotations"].(map[string]any)
	annotations["aks-audit-log-go/rebuilt-from"] = row["Type"]
	want := map[string]any{
		"kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": row["Level"], "auditID": row["AuditId"], "stage": row["Stage"],
		"requestURI": row["RequestUri"], "verb": row["Verb"], "user": row["User"], "sourceIPs": row["SourceIps"],
		"userAgent": row["UserAgent"], "objectRef": row["ObjectRef"], "responseStatus": row["ResponseStatus"],
		"requestReceivedTimestamp": row["RequestReceivedTime"], "stageTimestamp": row["StageReceivedTime"], "annotations": annotations,
	}
	if object, ok := row["RequestObject"]; ok {
		want["requestObject"] = object
	}
	var got map[string]any
	require.NoError(t, json.Unmarshal(r.Content, &got))
	assert.Equal(t, want, got)
	assert.Equal(t, "c1", r.Cluster)
}
