package unpack

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/forwarder/audit"
	"aks-audit-log-go/internal/eventhubtest"
)

func taggingUnpacker() *Unpacker { return taggingUnpackerWithLimit(eventhubtest.MaxEventSize) }

func taggingUnpackerWithLimit(maxEventSize int) *Unpacker {
	return newUnpacker(rules{maxEventSize: maxEventSize, categories: eventhubtest.BothCategories, clusterName: true})
}

// taggedByFastPath are logs that the fast path reads, and the audit events that the sink gets for them.
func taggedByFastPath() map[string][2]string {
	event := eventhubtest.Audit("a")
	annotated := func(annotations string) string {
		return strings.TrimSuffix(event, "}") + `,"annotations":` + annotations + "}"
	}
	const name = `"cluster_name":"my-cluster_1"`
	return map[string][2]string{
		"no annotations":       {event, annotated("{" + name + "}")},
		"a newline after":      {event + "\n", annotated("{" + name + "}")},
		"no annotation":        {annotated("{}"), annotated("{" + name + "}")},
		"space in annotations": {annotated(" {\n} "), annotated(" {\n" + name + "} ")},
		"an annotation":        {annotated(`{"a":"b"}`), annotated(`{"a":"b",` + name + `}`)},
		"an annotation with quotes": {
			annotated(`{"authorization.k8s.io/reason":"RBAC: allowed by \"a\" \\ }"}`),
			annotated(`{"authorization.k8s.io/reason":"RBAC: allowed by \"a\" \\ }",` + name + `}`),
		},
		"annotations before others": {
			strings.Replace(event, `"verb"`, `"annotations":{"a":"b"},"verb"`, 1), strings.Replace(event, `"verb"`, `"annotations":{"a":"b",`+name+`},"verb"`, 1),
		},
		"two annotations": {
			strings.TrimSuffix(annotated(`{"a":"b"}`), "}") + `,"annotations":{}}`,
			strings.TrimSuffix(annotated(`{"a":"b",`+name+`}`), "}") + `,"annotations":{}}`,
		},
		"nothing escaped leaves no room": {
			`{"kind":"Event","stageTimestamp":"2026-01-31T12:00:00Z"}`,
			`{"kind":"Event","stageTimestamp":"2026-01-31T12:00:00Z","annotations":{` + name + `}}`,
		},
	}
}

// taggedByParser are logs that the fast path leaves to the parser, and the audit events that the sink gets for them.
func taggedByParser() map[string][2]string {
	event := eventhubtest.Audit("a")
	annotated := func(annotations string) string {
		return strings.TrimSuffix(event, "}") + `,"annotations":` + annotations + "}"
	}
	const name = `"cluster_name":"my-cluster_1"`
	return map[string][2]string{
		"a name of its own":           {annotated(`{"cluster_name":"mine"}`), annotated(`{"cluster_name":"mine"}`)},
		"an empty name of its own":    {annotated(`{"cluster_name":""}`), annotated(`{"cluster_name":""}`)},
		"a name in another spelling":  {annotated(`{"cluster\u005fname":"mine"}`), annotated(`{"cluster\u005fname":"mine"}`)},
		"a value that speaks of it":   {annotated(`{"a":"cluster_name"}`), annotated(`{"a":"cluster_name",` + name + `}`)},
		"a value with an escape":      {annotated(`{"a":"\u003c"}`), annotated(`{"a":"\u003c",` + name + `}`)},
		"null":                        {annotated("null"), annotated("{" + name + "}")},
		"annotations that are none":   {annotated(`["a"]`), annotated(`["a"]`)},
		"a key in another spelling":   {with(`"annot\u0061tions":{"a":"b"}`), with(`"annot\u0061tions":{"a":"b",` + name + `}`)},
		"the audit id after":          {`{"kind":"Event","annotations":{},"stageTimestamp":"2026-01-31T12:00:00Z","auditID":"a"}`, `{"kind":"Event","annotations":{` + name + `},"stageTimestamp":"2026-01-31T12:00:00Z","auditID":"a"}`},
		"a log that was cut (no end)": {event[:160], ""},
	}
}

func TestAnAuditEventGetsTheNameOfItsClusterAndElseKeepsItsBytes(t *testing.T) {
	for name, test := range taggedByFastPath() {
		t.Run(name, func(t *testing.T) {
			body := eventhubtest.OfCluster(eventhubtest.HubBody(eventhubtest.AuditRecord("kube-audit", test[0])))
			want := taggingUnpacker().parser.mustRead(slices.Clone(body))
			got, ok := taggingUnpacker().fastPath.read(body)
			require.True(t, ok, "the fast path reads it")
			require.Equal(t, want, got, "and returns what the parser returns")
			assert.Equal(t, test[1], string(got[0].Content))
			assert.Equal(t, cap(got[0].Content), len(got[0].Content))
		})
	}
}

func TestAnUnusualAuditEventGetsTheNameOfItsClusterToo(t *testing.T) {
	for name, test := range taggedByParser() {
		t.Run(name, func(t *testing.T) {
			body := eventhubtest.OfCluster(eventhubtest.HubBody(eventhubtest.AuditRecord("kube-audit", test[0])))
			tried := slices.Clone(body)
			_, ok := taggingUnpacker().fastPath.read(tried)
			require.False(t, ok)
			require.Equal(t, string(body), string(tried))
			records := taggingUnpacker().unpackBody(body)
			require.Len(t, records, 1)
			if test[1] != "" {
				assert.Equal(t, test[1], string(records[0].Content))
			}
		})
	}
}

// clusterIn returns the cluster's name in an event, as Falco's plugin reads it.
func clusterIn(t *testing.T, event []byte) string {
	t.Helper()
	var parsed struct{ Annotations map[string]string }
	require.NoError(t, json.Unmarshal(event, &parsed), "%s", event)
	return parsed.Annotations["cluster_name"]
}

func TestARepairedOrTruncatedAuditEventGetsTheNameToo(t *testing.T) {
	for name, test := range map[string]struct{ log, want string }{
		"repaired":             {eventhubtest.Audit("a")[:160], "repaired:a"},
		"repaired at the end":  {eventhubtest.Audit("a")[:len(eventhubtest.Audit("a"))-1], "repaired:a"},
		"truncated, too deep":  {eventhubtest.WithRequest(eventhubtest.Nested(297)), "truncated:a:too_deep"},
		"truncated, too large": {eventhubtest.TooLarge("requestObject"), "truncated:a:too_large"},
	} {
		t.Run(name, func(t *testing.T) {
			u := taggingUnpacker()
			records := u.unpackBody(eventhubtest.OfCluster(eventhubtest.HubBody(eventhubtest.AuditRecord("kube-audit", test.log))))
			require.Len(t, records, 1)
			assert.Equal(t, test.want, summary(records[0]))
			assert.Equal(t, "my-cluster_1", clusterIn(t, records[0].Content))
			if records[0].Original != nil {
				assert.Equal(t, test.log, string(records[0].Original), "the dead letter is what stood in the hub")
			}
			_, reason := u.parser.validator.Check(records[0].Content)
			assert.Empty(t, reason)
		})
	}
}

func TestTheNameCountsAgainstTheLargestEvent(t *testing.T) {
	event := strings.Replace(eventhubtest.Audit("a"), `"verb"`, `"requestObject":"`+strings.Repeat("x", 2000)+`","verb"`, 1)
	named := len(event) + len(`,"annotations":{"cluster_name":"my-cluster_1"}`)
	for limit, want := range map[int]string{named: "audit:a", named - 1: "truncated:a:too_large"} {
		u := taggingUnpackerWithLimit(limit)
		records := u.unpackBody(eventhubtest.OfCluster(eventhubtest.HubBody(eventhubtest.AuditRecord("kube-audit", event))))
		assert.Equal(t, want, summary(records[0]))
		assert.Equal(t, "my-cluster_1", clusterIn(t, records[0].Content))
	}
}

// The cluster's name must not turn an event into a dead letter.
func TestAnEventThatFitsOnlyWithoutTheNameGoesWithoutIt(t *testing.T) {
	event := eventhubtest.Audit("a")
	u := taggingUnpackerWithLimit(len(event))
	records := u.unpackBody(eventhubtest.OfCluster(eventhubtest.HubBody(eventhubtest.AuditRecord("kube-audit", event))))
	assert.Equal(t, "audit:a", summary(records[0]))
	assert.Equal(t, event, string(records[0].Content))
}

func TestWithoutAResourceIdAnAuditEventIsAsItWas(t *testing.T) {
	record := eventhubtest.AuditRecord("kube-audit", eventhubtest.Audit("a"))
	for name, body := range map[string][]byte{
		"none":       eventhubtest.HubBody(record),
		"empty":      eventhubtest.HubBody(strings.Replace(record, "{", `{"resourceId":"",`, 1)),
		"no name":    eventhubtest.HubBody(strings.Replace(record, "{", `{"resourceId":"/A/B/",`, 1)),
		"null":       eventhubtest.HubBody(strings.Replace(record, "{", `{"resourceId":null,`, 1)),
		"an odd one": eventhubtest.HubBody(strings.Replace(record, "{", `{"resourceId":"/A/ü",`, 1)),
	} {
		t.Run(name, func(t *testing.T) {
			u := taggingUnpacker()
			records := u.unpackBody(body)
			require.Len(t, records, 1)
			assert.Equal(t, eventhubtest.Audit("a"), string(records[0].Content))
			assert.True(t, u.MissedCluster())
		})
	}
}

func TestOtherSpellingsOfTheRecordGetTheNameToo(t *testing.T) {
	record := eventhubtest.AuditRecord("kube-audit", eventhubtest.Audit("a"))
	quoted := strings.ReplaceAll(eventhubtest.ResourceID, "/", `\/`)
	for name, body := range map[string][]byte{
		"the resource after": eventhubtest.HubBody(strings.TrimSuffix(record, "}") + `,"resourceId":"` + eventhubtest.ResourceID + `"}`),
		"escaped":            eventhubtest.HubBody(strings.Replace(record, "{", `{"resourceId":"`+quoted+`",`, 1)),
		"twice":              eventhubtest.HubBody(strings.Replace(record, "{", `{"resourceId":"`+eventhubtest.ResourceID+`","resourceId":"/other",`, 1)),
		"the log an object":  eventhubtest.OfCluster(eventhubtest.HubBody(`{"category":"kube-audit","properties":{"log":` + eventhubtest.Audit("a") + `}}`)),
		"one record":         eventhubtest.OfCluster([]byte(record)),
	} {
		t.Run(name, func(t *testing.T) {
			records := taggingUnpacker().unpackBody(body)
			require.Len(t, records, 1)
			assert.Equal(t, "my-cluster_1", clusterIn(t, records[0].Content))
		})
	}
}

func TestEachClusterOfAHubEventHasItsName(t *testing.T) {
	var records []string
	for _, name := range []string{"A", "B", "A"} {
		records = append(records, strings.Replace(eventhubtest.AuditRecord("kube-audit", eventhubtest.Audit("a")), "{", `{"resourceId":"/`+name+`",`, 1))
	}
	var got []string
	for _, record := range taggingUnpacker().unpackBody(eventhubtest.HubBody(records...)) {
		got = append(got, clusterIn(t, record.Content))
	}
	assert.Equal(t, []string{"a", "b", "a"}, got)
}

func TestTheFastPathAlsoReadsUsualBodiesWithTheClusterName(t *testing.T) {
	for name, body := range usualBodies() {
		t.Run(name, func(t *testing.T) {
			body = eventhubtest.OfCluster(body)
			want := taggingUnpacker().parser.mustRead(slices.Clone(body))
			got, ok := taggingUnpacker().fastPath.read(body)
			require.True(t, ok)
			require.Len(t, got, len(want))
			for i := range got {
				assert.Equal(t, want[i], got[i])
			}
		})
	}
	real := realHubEvent(t)
	records, ok := taggingUnpacker().fastPath.read(real)
	require.True(t, ok)
	for _, record := range records {
		assert.NotEmpty(t, clusterIn(t, record.Content))
	}
}

func TestCategoriesAreChosenWhateverTheirCase(t *testing.T) {
	body := eventhubtest.HubBody(eventhubtest.AuditRecord("kube-audit", eventhubtest.Audit("a")), eventhubtest.AuditRecord("KUBE-AUDIT-ADMIN", eventhubtest.Audit("b")), eventhubtest.Uncategorised(eventhubtest.Audit("c")))
	u := newUnpacker(rules{maxEventSize: eventhubtest.MaxEventSize, categories: []string{"Kube-Audit-Admin"}})
	for _, unpack := range []func([]byte) []Record{u.unpackBody, u.parser.mustRead} {
		var got []string
		for _, record := range unpack(slices.Clone(body)) {
			got = append(got, summary(record))
		}
		assert.Equal(t, []string{"skipped:kube-audit", "audit:b", "audit:c"}, got)
	}
}

// BenchmarkUnpackWithClusterName is BenchmarkUnpackReal with CLUSTERNAME=on.
func BenchmarkUnpackWithClusterName(b *testing.B) {
	benchmarkUnpack(b, taggingUnpacker(), realHubEvent(b))
}

// FuzzFastPathWithClusterName checks that the fast path and the parser return the same records with the cluster's
// name, and that only the name distinguishes them from the records without it.
func FuzzFastPathWithClusterName(f *testing.F) {
	for _, logs := range []map[string][2]string{taggedByFastPath(), taggedByParser()} {
		for _, log := range logs {
			f.Add(log[0], eventhubtest.ResourceID)
		}
	}
	for _, log := range oddLogs() {
		f.Add(log, "/A/b\x00")
	}
	f.Fuzz(func(t *testing.T, log, resource string) {
		body := eventhubtest.HubBody(strings.Replace(eventhubtest.AuditRecord("kube-audit", log), "{", `{"resourceId":`+jsonString(resource)+`,`, 1))
		tried := slices.Clone(body)
		got, ok := taggingUnpacker().fastPath.read(tried)
		want := taggingUnpacker().parser.mustRead(body)
		if !ok {
			require.Equal(t, string(body), string(tried))
		} else {
			require.Equal(t, want, got)
		}
		plain := testUnpacker().parser.mustRead(body)
		require.Len(t, want, len(plain))
		if plain[0].Verdict == "" && !plain[0].Repaired && plain[0].Original == nil {
			requireOnlyTagged(t, plain[0], want[0])
		}
	})
}

// requireOnlyTagged checks that the cluster's name is the only difference between two events.
func requireOnlyTagged(t *testing.T, plain, named Record) {
	t.Helper()
	require.Equal(t, audit.Verdict(""), named.Verdict)
	require.True(t, json.Valid(named.Content) || !json.Valid(plain.Content))
	if bytes.Equal(plain.Content, named.Content) {
		return
	}
	at := 0
	for at < len(plain.Content) && plain.Content[at] == named.Content[at] {
		at++
	}
	more := len(named.Content) - len(plain.Content)
	if !bytes.Contains(plain.Content, []byte("null")) {
		require.Positive(t, more)
		require.Equal(t, string(plain.Content[at:]), string(named.Content[at+more:]))
	}
}
