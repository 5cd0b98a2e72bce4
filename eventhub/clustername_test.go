package eventhub

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/forwarder"
)

const testResource = "/SUBSCRIPTIONS/0000/RESOURCEGROUPS/RG/PROVIDERS/MICROSOFT.CONTAINERSERVICE/MANAGEDCLUSTERS/MY-Cluster_1"

func namingUnpacker() *unpacker {
	u := newUnpacker()
	u.clusterName = true
	return u
}

// ofCluster gives each record of a body the resourceId that AKS writes.
func ofCluster(body []byte) []byte {
	body = bytes.ReplaceAll(body, []byte(`{"category":`), []byte(`{"resourceId":"`+testResource+`","category":`))
	return bytes.ReplaceAll(body, []byte(`{"properties":`), []byte(`{"resourceId":"`+testResource+`","properties":`))
}

// namedEvents are logs, and what the sink is given of them. They go the quick way.
func namedEvents() map[string][2]string {
	event := audit("a")
	annotated := func(annotations string) string {
		return strings.TrimSuffix(event, "}") + `,"annotations":` + annotations + "}"
	}
	const name = `"cluster_name":"my-cluster_1"`
	return map[string][2]string{
		"no annotations":       {event, annotated("{" + name + "}")},
		"a newline behind":     {event + "\n", annotated("{" + name + "}")},
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

// namedSlowly are such that are left to the parser.
func namedSlowly() map[string][2]string {
	event := audit("a")
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
		"the audit id behind":         {`{"kind":"Event","annotations":{},"stageTimestamp":"2026-01-31T12:00:00Z","auditID":"a"}`, `{"kind":"Event","annotations":{` + name + `},"stageTimestamp":"2026-01-31T12:00:00Z","auditID":"a"}`},
		"a log that was cut (no end)": {event[:160], ""},
	}
}

func TestAnAuditEventGetsTheNameOfItsClusterAndElseKeepsItsBytes(t *testing.T) {
	for name, test := range namedEvents() {
		t.Run(name, func(t *testing.T) {
			body := ofCluster(hubBody(auditRecord("kube-audit", test[0])))
			want := namingUnpacker().parse(slices.Clone(body))
			got, ok := namingUnpacker().quick(body)
			require.True(t, ok, "it goes the quick way")
			require.Equal(t, want, got, "which gives what the parser gives")
			assert.Equal(t, test[1], string(got[0].content))
			assert.Equal(t, cap(got[0].content), len(got[0].content))
		})
	}
}

func TestAnUnusualAuditEventGetsTheNameOfItsClusterToo(t *testing.T) {
	for name, test := range namedSlowly() {
		t.Run(name, func(t *testing.T) {
			body := ofCluster(hubBody(auditRecord("kube-audit", test[0])))
			tried := slices.Clone(body)
			_, ok := namingUnpacker().quick(tried)
			require.False(t, ok)
			require.Equal(t, string(body), string(tried))
			records := namingUnpacker().unpack(body)
			require.Len(t, records, 1)
			if test[1] != "" {
				assert.Equal(t, test[1], string(records[0].content))
			}
		})
	}
}

// clusterIn is the cluster's name as Falco's plugin finds it.
func clusterIn(t *testing.T, event []byte) string {
	t.Helper()
	var parsed struct{ Annotations map[string]string }
	require.NoError(t, json.Unmarshal(event, &parsed), "%s", event)
	return parsed.Annotations["cluster_name"]
}

func TestAMendedAuditEventGetsTheNameToo(t *testing.T) {
	for name, test := range map[string]struct{ log, want string }{
		"salvaged":            {audit("a")[:160], "salvaged:a"},
		"salvaged to the end": {audit("a")[:len(audit("a"))-1], "salvaged:a"},
		"reduced, too deep":   {withRequest(nested(297)), "reduced:a:too_deep"},
		"reduced, too large":  {tooLarge("requestObject"), "reduced:a:too_large"},
	} {
		t.Run(name, func(t *testing.T) {
			u := namingUnpacker()
			records := u.unpack(ofCluster(hubBody(auditRecord("kube-audit", test.log))))
			require.Len(t, records, 1)
			assert.Equal(t, test.want, summary(records[0]))
			assert.Equal(t, "my-cluster_1", clusterIn(t, records[0].content))
			if records[0].original != nil {
				assert.Equal(t, test.log, string(records[0].original), "the dead letter is what stood in the hub")
			}
			_, reason := u.checkAudit(records[0].content)
			assert.Empty(t, reason)
		})
	}
}

func TestTheNameCountsAgainstTheLargestEvent(t *testing.T) {
	event := strings.Replace(audit("a"), `"verb"`, `"requestObject":"`+strings.Repeat("x", 2000)+`","verb"`, 1)
	named := len(event) + len(`,"annotations":{"cluster_name":"my-cluster_1"}`)
	for limit, want := range map[int]string{named: "audit:a", named - 1: "reduced:a:too_large"} {
		u := namingUnpacker()
		u.maxEventSize = limit
		records := u.unpack(ofCluster(hubBody(auditRecord("kube-audit", event))))
		assert.Equal(t, want, summary(records[0]))
		assert.Equal(t, "my-cluster_1", clusterIn(t, records[0].content))
	}
}

// An event must not become a dead letter for the sake of its name.
func TestAnEventThatFitsOnlyWithoutTheNameGoesWithoutIt(t *testing.T) {
	event := audit("a")
	u := namingUnpacker()
	u.maxEventSize = len(event)
	records := u.unpack(ofCluster(hubBody(auditRecord("kube-audit", event))))
	assert.Equal(t, "audit:a", summary(records[0]))
	assert.Equal(t, event, string(records[0].content))
}

func TestWithoutAResourceIdAnAuditEventIsAsItWas(t *testing.T) {
	record := auditRecord("kube-audit", audit("a"))
	for name, body := range map[string][]byte{
		"none":       hubBody(record),
		"empty":      hubBody(strings.Replace(record, "{", `{"resourceId":"",`, 1)),
		"no name":    hubBody(strings.Replace(record, "{", `{"resourceId":"/A/B/",`, 1)),
		"null":       hubBody(strings.Replace(record, "{", `{"resourceId":null,`, 1)),
		"an odd one": hubBody(strings.Replace(record, "{", `{"resourceId":"/A/ü",`, 1)),
	} {
		t.Run(name, func(t *testing.T) {
			u := namingUnpacker()
			records := u.unpack(body)
			require.Len(t, records, 1)
			assert.Equal(t, audit("a"), string(records[0].content))
			assert.True(t, u.clusters.missed)
		})
	}
}

func TestTheClusterIsTheLastPartOfTheResourceIdInLowerCase(t *testing.T) {
	for resource, want := range map[string]string{
		testResource: "my-cluster_1", "/a/b/Prod": "prod", "prod": "prod", "": "", "/": "", "/a/": "", `/a"b`: "", "/a b": "", `/a\b`: "", "/ü": "",
	} {
		assert.Equal(t, want, clusterOf(resource), resource)
	}
}

func TestOtherSpellingsOfTheRecordGetTheNameToo(t *testing.T) {
	record := auditRecord("kube-audit", audit("a"))
	quoted := strings.ReplaceAll(testResource, "/", `\/`)
	for name, body := range map[string][]byte{
		"the resource behind": hubBody(strings.TrimSuffix(record, "}") + `,"resourceId":"` + testResource + `"}`),
		"escaped":             hubBody(strings.Replace(record, "{", `{"resourceId":"`+quoted+`",`, 1)),
		"twice":               hubBody(strings.Replace(record, "{", `{"resourceId":"`+testResource+`","resourceId":"/other",`, 1)),
		"the log an object":   ofCluster(hubBody(`{"category":"kube-audit","properties":{"log":` + audit("a") + `}}`)),
		"one record":          ofCluster([]byte(record)),
	} {
		t.Run(name, func(t *testing.T) {
			records := namingUnpacker().unpack(body)
			require.Len(t, records, 1)
			assert.Equal(t, "my-cluster_1", clusterIn(t, records[0].content))
		})
	}
}

func TestEachClusterOfAHubEventHasItsName(t *testing.T) {
	var records []string
	for _, name := range []string{"A", "B", "A"} {
		records = append(records, strings.Replace(auditRecord("kube-audit", audit("a")), "{", `{"resourceId":"/`+name+`",`, 1))
	}
	var got []string
	for _, record := range namingUnpacker().unpack(hubBody(records...)) {
		got = append(got, clusterIn(t, record.content))
	}
	assert.Equal(t, []string{"a", "b", "a"}, got)
}

func TestWhatIsUsualGoesTheQuickWayWithItsClustersNameToo(t *testing.T) {
	for name, body := range usualBodies() {
		t.Run(name, func(t *testing.T) {
			body = ofCluster(body)
			want := namingUnpacker().parse(slices.Clone(body))
			got, ok := namingUnpacker().quick(body)
			require.True(t, ok)
			require.Len(t, got, len(want))
			for i := range got {
				assert.Equal(t, want[i], got[i])
			}
		})
	}
	real := realHubEvent(t)
	records, ok := namingUnpacker().quick(real)
	require.True(t, ok)
	for _, record := range records {
		assert.NotEmpty(t, clusterIn(t, record.content))
	}
}

func TestAPartitionWhoseRecordsNameNoClusterSaysSoOnce(t *testing.T) {
	b := newBench(1)
	b.cfg.ClusterName = true
	b.hub.append("0", oneEach("a", "b", "c")...)
	stop := b.start(t)
	assert.Equal(t, []string{"a", "b", "c"}, b.sink.await(3))
	stop()
	var said int
	for _, entry := range b.logged.AllEntries() {
		if strings.Contains(entry.Message, "say of no cluster") {
			said++
		}
	}
	assert.Equal(t, 1, said)
}

func TestCategoriesAreChosenWhateverTheirCase(t *testing.T) {
	body := hubBody(auditRecord("kube-audit", audit("a")), auditRecord("KUBE-AUDIT-ADMIN", audit("b")), uncategorised(audit("c")))
	u := newUnpacker()
	u.categories = []string{"Kube-Audit-Admin"}
	for _, unpack := range []func([]byte) []record{u.unpack, u.parse} {
		var got []string
		for _, record := range unpack(slices.Clone(body)) {
			got = append(got, summary(record))
		}
		assert.Equal(t, []string{"skipped:kube-audit", "audit:b", "audit:c"}, got)
	}
}

// BenchmarkUnpackNaming is BenchmarkUnpackReal with CLUSTERNAME=on.
func BenchmarkUnpackNaming(b *testing.B) { benchmarkUnpack(b, namingUnpacker(), realHubEvent(b)) }

// FuzzQuickNaming checks that the quick way gives what the parser gives, with the cluster's name.
func FuzzQuickNaming(f *testing.F) {
	for _, logs := range []map[string][2]string{namedEvents(), namedSlowly()} {
		for _, log := range logs {
			f.Add(log[0], testResource)
		}
	}
	for _, log := range oddLogs() {
		f.Add(log, "/A/b\x00")
	}
	f.Fuzz(func(t *testing.T, log, resource string) {
		body := hubBody(strings.Replace(auditRecord("kube-audit", log), "{", `{"resourceId":`+jsonString(resource)+`,`, 1))
		tried := slices.Clone(body)
		got, ok := namingUnpacker().quick(tried)
		want := namingUnpacker().parse(body)
		if !ok {
			require.Equal(t, string(body), string(tried))
		} else {
			require.Equal(t, want, got)
		}
		plain := newUnpacker().parse(body)
		require.Len(t, want, len(plain))
		if plain[0].verdict == "" && !plain[0].salvaged && plain[0].original == nil {
			requireOnlyNamed(t, plain[0], want[0])
		}
	})
}

// requireOnlyNamed wants an event with the name taken out again to be the event without it.
func requireOnlyNamed(t *testing.T, plain, named record) {
	t.Helper()
	require.Equal(t, forwarder.Verdict(""), named.verdict)
	require.True(t, json.Valid(named.content) || !json.Valid(plain.content))
	if bytes.Equal(plain.content, named.content) {
		return
	}
	at := 0
	for at < len(plain.content) && plain.content[at] == named.content[at] {
		at++
	}
	more := len(named.content) - len(plain.content)
	if !bytes.Contains(plain.content, []byte("null")) {
		require.Positive(t, more)
		require.Equal(t, string(plain.content[at:]), string(named.content[at+more:]))
	}
}
