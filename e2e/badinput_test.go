package e2e

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// klogLine is what the categories that hold no audit events carry.
const klogLine = `I0109 21:24:54.123456       1 controller.go:123] "Starting" controller="x"`

// badInput is a hub event that no audit event can be had from, and what must become of it.
type badInput struct {
	name     string
	body     []byte
	verdict  string // of its one record
	category string // the label of one that is skipped
	reason   string // the label of one that is dead-lettered
	kept     string // what its dead letter must hold
}

func badInputs(t *testing.T) []badInput {
	t.Helper()
	noLog := record{Category: "kube-audit", Properties: map[string]any{"pod": "kube-apiserver-0"}}
	return []badInput{
		{name: "empty body", body: nil, verdict: "skipped", category: "none"},
		{name: "white space", body: []byte(" \n"), verdict: "skipped", category: "none"},
		{name: "not JSON", body: []byte(`this is not JSON`), verdict: "dead_lettered", reason: "not_json", kept: "this is not JSON"},
		{name: "not UTF-8", body: []byte("\xff\xfe{"), verdict: "dead_lettered", reason: "not_json", kept: `"contentBase64": "//57"`},
		{name: "no records", body: []byte(`{"hello":"world"}`), verdict: "skipped", category: "none"},
		{name: "a number", body: []byte(`42`), verdict: "dead_lettered", reason: "not_an_audit_event", kept: "42"},
		{name: "records that are text", body: []byte(`{"records":"text"}`), verdict: "dead_lettered", reason: "not_an_audit_event", kept: "text"},
		{name: "a record without properties.log", body: hubEvent(t, noLog), verdict: "dead_lettered", reason: "no_log", kept: "kube-apiserver-0"},
		{name: "a log that is not JSON", body: hubEvent(t, recordOf("kube-audit", "{cut")), verdict: "dead_lettered", reason: "not_json", kept: "{cut"},
		{
			name: "a log that was cut before its user", body: auditHubEvent(t, strings.Split(auditEvent("0", 0), `"user"`)[0]),
			verdict: "dead_lettered", reason: "cut", kept: auditID("0", 0),
		},
		{
			name: "a log that is JSON and no audit event", body: hubEvent(t, recordOf("kube-audit-admin", `{"kind":"Pod"}`)),
			verdict: "dead_lettered", reason: "not_an_audit_event", kept: `{\"kind\":\"Pod\"}`,
		},
		{
			name: "no stageTimestamp", body: auditHubEvent(t, strings.Replace(auditEvent("0", 0), "stageTimestamp", "then", 1)),
			verdict: "dead_lettered", reason: "no_stage_timestamp", kept: auditID("0", 0),
		},
		{name: "klog text of guard", body: hubEvent(t, recordOf("guard", klogLine)), verdict: "skipped", category: "guard"},
		{name: "klog text of the API server", body: hubEvent(t, recordOf("kube-apiserver", klogLine)), verdict: "skipped", category: "kube-apiserver"},
		{name: "a category of another service", body: hubEvent(t, recordOf("SQLInsights", "text")), verdict: "skipped", category: "other"},
	}
}

func TestBadInputGetsItsVerdictAndThePartitionGoesOn(t *testing.T) {
	t.Parallel()
	hub, f, c := startHub(t, 1), startFalco(t), newContainer(t)
	inputs := badInputs(t)
	want := map[string]float64{}
	var good []string
	for n, input := range inputs {
		hub.Append("0", input.body)
		good = append(good, auditEvent("0", n))
		hub.Append("0", auditHubEvent(t, good[n]))
		want[verdicts(input.verdict)]++
		if input.verdict == "skipped" {
			want[`aks_audit_log_skipped_records_total{category="`+input.category+`"}`]++
		} else {
			want[`aks_audit_log_dead_letters_total{reason="`+input.reason+`"}`]++
		}
	}
	want[verdicts("delivered")] = float64(len(good))

	d := startDaemon(t, blobSettings(t, hub, c, f.url))
	f.await(t, len(good))
	d.awaitMetric(t, verdicts("delivered"), float64(len(good)))
	for series, count := range want {
		assert.InDelta(t, count, d.metric(t, series), 0, series)
	}
	d.stop(t)
	assert.Equal(t, good, f.seenJSON())
	assertCaughtUp(t, hub, c)
	assertDeadLetters(t, c, inputs)
}

// assertDeadLetters checks that each bad input that had to be kept stands in a blob of its
// own, and that nothing else does. The n-th input has the sequence number 2n.
func assertDeadLetters(t *testing.T, c container, inputs []badInput) {
	t.Helper()
	var want, got []string
	for n, input := range inputs {
		if input.kept != "" {
			name := deadLetterName("0", int64(2*n), 0)
			want = append(want, name)
			assertDeadLetter(t, c, name, input)
		}
	}
	for name := range c.metadata(t) {
		if strings.HasPrefix(name, deadLetterPath) {
			got = append(got, name)
		}
	}
	assert.ElementsMatch(t, want, got, "the dead letters")
}

func assertDeadLetter(t *testing.T, c container, name string, input badInput) {
	t.Helper()
	if !assert.Contains(t, c.metadata(t), name, input.name) {
		return
	}
	content := c.content(t, name)
	assert.True(t, json.Valid(content), "%s: the dead letter is JSON", input.name)
	assert.Contains(t, string(content), input.kept, "%s: the dead letter", input.name)
	assert.Contains(t, string(content), input.reason, "%s: the dead letter", input.name)
}

func TestWhatTheSinkRefusesIsKeptAndThePartitionGoesOn(t *testing.T) {
	t.Parallel()
	hub, s, c := startHub(t, 1), startSink(t), newContainer(t)
	refused, good := auditEvent("0", 0), auditEvent("0", 1)
	s.refuse(refused)
	hub.Append("0", auditHubEvent(t, good, refused, good))
	d := startDaemon(t, blobSettings(t, hub, c, s.URL))
	d.awaitMetric(t, verdicts("delivered"), 2)
	d.awaitMetric(t, `aks_audit_log_dead_letters_total{reason="refused"}`, 1)
	d.stop(t)
	assert.Equal(t, []string{good, good}, s.accepted())
	assertCaughtUp(t, hub, c)

	name := deadLetterName("0", 0, 1)
	require.Contains(t, c.metadata(t), name)
	var letter struct {
		Content string `json:"content"`
	}
	require.NoError(t, json.Unmarshal(c.content(t, name), &letter))
	assert.Equal(t, refused, letter.Content, "the audit event is kept whole")
}
