package e2e

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/e2e/harness"
)

// badInput is a hub event from which no audit event can be read, and its verdict.
type badInput struct {
	name     string
	body     []byte
	verdict  string // of its record
	category string // the label of a skipped one
	reason   string // the label of a dead-lettered one
	kept     string // what its dead letter must contain
}

func badInputs(t *testing.T) []badInput {
	t.Helper()
	noLog := harness.Record{Category: "kube-audit", Properties: map[string]any{"pod": "kube-apiserver-0"}}
	return []badInput{
		{name: "empty body", body: nil, verdict: "skipped", category: "none"},
		{name: "white space", body: []byte(" \n"), verdict: "skipped", category: "none"},
		{name: "not JSON", body: []byte(`this is not JSON`), verdict: "skipped", category: "none"},
		{name: "not UTF-8", body: []byte("\xff\xfe{"), verdict: "skipped", category: "none"},
		{
			name: "not JSON, of the audit log", body: []byte(`{"category":"kube-audit": this is not JSON`),
			verdict: "dead_lettered", reason: "not_json", kept: "this is not JSON",
		},
		{
			name: "not UTF-8, of the audit log", body: []byte("{\"category\":\"kube-audit\"\xff\xfe{"),
			verdict: "dead_lettered", reason: "not_json", kept: `"contentBase64": "eyJjYXRlZ29yeSI6Imt1YmUtYXVkaXQi//57"`,
		},
		{name: "a broken body of another service", body: []byte(`{"category":"FunctionAppLogs",'x':'y'}`), verdict: "skipped", category: "other"},
		{name: "no records", body: []byte(`{"hello":"world"}`), verdict: "skipped", category: "none"},
		{name: "a number", body: []byte(`42`), verdict: "dead_lettered", reason: "not_an_audit_event", kept: "42"},
		{name: "records that are text", body: []byte(`{"records":"text"}`), verdict: "dead_lettered", reason: "not_an_audit_event", kept: "text"},
		{name: "a record without properties.log", body: harness.HubEvent(t, noLog), verdict: "dead_lettered", reason: "no_log", kept: "kube-apiserver-0"},
		{name: "a log that is not JSON", body: harness.HubEvent(t, harness.RecordOf("kube-audit", "{cut")), verdict: "dead_lettered", reason: "not_json", kept: "{cut"},
		{
			name: "a log that was cut before its user", body: harness.AuditHubEvent(t, strings.Split(harness.AuditEvent("0", 0), `"user"`)[0]),
			verdict: "dead_lettered", reason: "cut", kept: harness.AuditID("0", 0),
		},
		{
			name: "a log that is JSON and no audit event", body: harness.HubEvent(t, harness.RecordOf("kube-audit-admin", `{"kind":"Pod"}`)),
			verdict: "dead_lettered", reason: "not_an_audit_event", kept: `{\"kind\":\"Pod\"}`,
		},
		{
			name: "no stageTimestamp", body: harness.AuditHubEvent(t, strings.Replace(harness.AuditEvent("0", 0), "stageTimestamp", "then", 1)),
			verdict: "dead_lettered", reason: "no_stage_timestamp", kept: harness.AuditID("0", 0),
		},
		{name: "klog text of guard", body: harness.HubEvent(t, harness.RecordOf("guard", harness.KlogLine)), verdict: "skipped", category: "guard"},
		{name: "klog text of the API server", body: harness.HubEvent(t, harness.RecordOf("kube-apiserver", harness.KlogLine)), verdict: "skipped", category: "kube-apiserver"},
		{name: "a category of another service", body: harness.HubEvent(t, harness.RecordOf("SQLInsights", "text")), verdict: "skipped", category: "other"},
	}
}

func TestBadInputGetsItsVerdictAndThePartitionGoesOn(t *testing.T) {
	t.Parallel()
	hub, f, c := harness.StartHub(t, 1), harness.StartFalco(t), harness.NewBlobs(t)
	inputs := badInputs(t)
	want := map[string]float64{}
	var good []string
	for n, input := range inputs {
		hub.Append("0", input.body)
		good = append(good, harness.AuditEvent("0", n))
		hub.Append("0", harness.AuditHubEvent(t, good[n]))
		want[harness.VerdictSeries(input.verdict)]++
		if input.verdict == "skipped" {
			want[`aks_audit_log_skipped_records_total{category="`+input.category+`"}`]++
		} else {
			want[`aks_audit_log_dead_letters_total{reason="`+input.reason+`"}`]++
		}
	}
	want[harness.VerdictSeries("delivered")] = float64(len(good))

	d := harness.StartDaemon(t, harness.BlobSettings(t, hub, c, f.URL))
	f.Await(t, len(good))
	d.AwaitMetric(t, harness.VerdictSeries("delivered"), float64(len(good)))
	for series, count := range want {
		assert.InDelta(t, count, d.Metric(t, series), 0, series)
	}
	d.Stop(t)
	assert.Equal(t, good, f.SeenJSON())
	harness.AssertCaughtUp(t, hub, c)
	assertDeadLetters(t, c, inputs)
}

// assertDeadLetters checks that each bad input that has content has a blob of its own, and that there are no other
// blobs. The n-th input has the sequence number 2n.
func assertDeadLetters(t *testing.T, c harness.Blobs, inputs []badInput) {
	t.Helper()
	var want, got []string
	for n, input := range inputs {
		if input.kept != "" {
			name := harness.DeadLetterName(t, c, "0", int64(2*n), 0)
			want = append(want, name)
			assertDeadLetter(t, c, name, input)
		}
	}
	for name := range c.Metadata(t) {
		if strings.HasPrefix(name, harness.DeadLetterPath) {
			got = append(got, name)
		}
	}
	assert.ElementsMatch(t, want, got, "the dead letters")
}

func assertDeadLetter(t *testing.T, c harness.Blobs, name string, input badInput) {
	t.Helper()
	if !assert.Contains(t, c.Metadata(t), name, input.name) {
		return
	}
	content := c.Content(t, name)
	assert.True(t, json.Valid(content), "%s: the dead letter is JSON", input.name)
	assert.Contains(t, string(content), input.kept, "%s: the dead letter", input.name)
	assert.Contains(t, string(content), input.reason, "%s: the dead letter", input.name)
}

func TestWhatTheSinkRefusesIsKeptAndThePartitionGoesOn(t *testing.T) {
	t.Parallel()
	hub, s, c := harness.StartHub(t, 1), harness.StartSink(t), harness.NewBlobs(t)
	refused, good := harness.AuditEvent("0", 0), harness.AuditEvent("0", 1)
	s.Refuse(refused)
	hub.Append("0", harness.AuditHubEvent(t, good, refused, good))
	d := harness.StartDaemon(t, harness.BlobSettings(t, hub, c, s.URL))
	d.AwaitMetric(t, harness.VerdictSeries("delivered"), 2)
	d.AwaitMetric(t, `aks_audit_log_dead_letters_total{reason="refused"}`, 1)
	d.Stop(t)
	assert.Equal(t, []string{good, good}, s.Accepted())
	harness.AssertCaughtUp(t, hub, c)

	name := harness.DeadLetterName(t, c, "0", 0, 1)
	require.Contains(t, c.Metadata(t), name)
	var letter struct {
		Content string `json:"content"`
	}
	require.NoError(t, json.Unmarshal(c.Content(t, name), &letter))
	assert.Equal(t, refused, letter.Content, "the audit event is kept whole")
}
