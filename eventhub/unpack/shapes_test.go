package unpack

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/forwarder/audit"
	"aks-audit-log-go/internal/eventhubtest"
)

// bare returns an audit event as the API server writes it, without an envelope.
func bare(id string) string {
	return `{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"` + id + `","stage":"ResponseComplete",` +
		`"requestURI":"/api/v1/pods","verb":"get","user":{"username":"u"},"note":"\u00e9 \/","n":1.50,"stageTimestamp":"2026-01-02T03:04:05.5Z"}`
}

// unnamed returns an audit event without kind and apiVersion.
func unnamed(id string) string {
	return strings.Replace(bare(id), `"kind":"Event","apiVersion":"audit.k8s.io/v1",`, "", 1)
}

// row returns a row of a table of audit events with columns beside the usual ones.
func row(table, columns string) string {
	return `{"TimeGenerated":"2026-01-02T03:04:05Z","AuditId":"a","Stage":"ResponseComplete","Verb":"get","Type":"` + table + `"` + columns + "}"
}

// unpackEnqueued unpacks a body with the time at which the hub got it.
func unpackEnqueued(body string) []Record {
	enqueued := time.Date(2026, 1, 2, 3, 4, 5, 600_000_000, time.UTC)
	// It waits for nothing.
	records, _, _, _ := testUnpacker().Unpack(context.Background(), eventhub.Event{Body: []byte(body), Enqueued: enqueued})
	return records
}

func summaries(records []Record) []string {
	var got []string
	for _, r := range records {
		got = append(got, summary(r))
	}
	return got
}

func TestAuditEventsAreFoundWhereAnEnvelopePutsThem(t *testing.T) {
	a, b := bare("a"), bare("b")
	aks := string(eventhubtest.HubBody(eventhubtest.AuditRecord("kube-audit", a), eventhubtest.AuditRecord("kube-audit", b)))
	list := `{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":[` + a + "," + unnamed("b") + "]}"
	both := []string{"audit:a", "audit:b"}
	for name, test := range map[string]struct {
		body string
		want []string
	}{
		"alone":                           {a, []string{"audit:a"}},
		"three members down":              {`{"x":{"y":{"z":` + a + `}}}`, []string{"audit:a"}},
		"four members down":               {`{"w":{"x":{"y":{"z":` + a + `}}}}`, []string{"skipped:"}},
		"two members of one object":       {`{"x":` + a + `,"y":[` + b + `]}`, both},
		"in a string":                     {`{"message":` + jsonString(a) + `,"@version":"1"}`, []string{"audit:a"}},
		"in a string with a newline":      {`{"log":` + jsonString(a+"\n") + `}`, []string{"audit:a"}},
		"in a string in a string":         {`{"x":` + jsonString(`{"y":`+jsonString(a)+`}`) + `}`, []string{"audit:a"}},
		"in an element that is a string":  {"[" + jsonString(a) + "," + jsonString(b) + "]", both},
		"in an array in an array":         {"[[" + a + "],[" + b + "]]", both},
		"in properties":                   {`{"records":[{"properties":` + a + "}]}", []string{"audit:a"}},
		"of a category, itself":           {`{"records":[{"category":"kube-audit",` + a[1:] + "]}", []string{"audit:a"}},
		"of a category, in a member":      {`{"category":"kube-audit","message":` + jsonString(a) + "}", []string{"audit:a"}},
		"AKS's envelopes in an array":     {"[" + aks + "," + aks + "]", append(both, both...)},
		"AKS's envelope in a string":      {`{"message":` + jsonString(aks) + "}", both},
		"AKS's envelope in two strings":   {jsonString(`{"message":` + jsonString(aks) + "}"), both},
		"a list":                          {list, both},
		"a list in an array":              {"[" + list + "]", both},
		"a list in a string":              {`{"message":` + jsonString(list) + "}", both},
		"a list that was cut":             {list[:len(list)-60], []string{"audit:a", "repaired:b"}},
		"a cut string":                    {`{"log":` + jsonString(a[:200]) + "}", []string{"repaired:a"}},
		"a cut body":                      {a[:200], []string{"repaired:a"}},
		"an audit event that is too old":  {strings.Replace(a, "stageTimestamp", "timestamp", 1), []string{"dead:no_stage_timestamp"}},
		"an audit event without an id":    {strings.Replace(a, "auditID", "id", 1), []string{"dead:not_an_audit_event"}},
		"of OpenShift":                    {`{"log_type":"audit","openshift":{"sequence":1},` + a[1:], []string{"audit:a"}},
		"of another version":              {strings.Replace(a, "k8s.io/v1", "k8s.io/v1beta1", 1), []string{"audit:a"}},
		"a row":                           {row("AKSAudit", `,"StageReceivedTime":"2026-01-02T03:04:05.5Z"`), []string{"audit:a"}},
		"a row without the stage's time":  {row("AKSAuditAdmin", ""), []string{"audit:a"}},
		"a row of another table":          {row("AKSControlPlane", ""), []string{"skipped:"}},
		"a row in an array in records":    {`{"records":[[` + row("AKSAudit", "") + "]]}", []string{"audit:a"}},
		"a row without any time":          {strings.Replace(row("AKSAudit", ""), "TimeGenerated", "T", 1), []string{"dead:no_stage_timestamp"}},
		"a record inside of another":      {`{"data":{"category":"kube-audit","properties":{"log":` + jsonString(a) + "}}}", []string{"audit:a"}},
		"a record inside without its log": {`{"data":{"category":"kube-audit"}}`, []string{"dead:no_log"}},
	} {
		t.Run(name, func(t *testing.T) {
			records := unpackEnqueued(test.body)
			assert.Equal(t, test.want, summaries(records))
			for _, r := range records {
				if r.Repaired {
					assert.Contains(t, string(r.Content), `"stageTimestamp":"2026-01-02T03:04:05.6Z"`, "the hub's time, for want of another")
				}
			}
		})
	}
}

func TestAnAuditEventKeepsItsBytesInOtherEnvelopesToo(t *testing.T) {
	event := bare("a")
	for name, body := range map[string]string{
		"alone": event, "an array": "[" + event + "]", "a member": `{"x":{"y":` + event + `}}`, "a string": `{"log":` + jsonString(event+"\n") + "}",
		"a log that is an object": `{"category":"kube-audit","properties":{"log":` + event + "}}",
		"invalid UTF-8":           `{"log":"` + strings.Trim(jsonString(event), `"`) + `"}`,
	} {
		t.Run(name, func(t *testing.T) {
			body = strings.ReplaceAll(body, `/pods`, "/p\xff\xe9ds")
			records := testUnpacker().unpackBody([]byte(body))
			require.Len(t, records, 1)
			assert.Equal(t, strings.ReplaceAll(event, `/pods`, "/p\xff\xe9ds"), string(records[0].Content))
		})
	}
}

func TestAnItemOfAListIsCompletedByTheList(t *testing.T) {
	records := testUnpacker().unpackBody([]byte(`{"kind":"EventList","apiVersion":"audit.k8s.io/v1","items":[` + unnamed("a") + "]}"))
	require.Len(t, records, 1)
	assert.Equal(t, bare("a"), string(records[0].Content))
}

// Writing only the content of a record must not be enough to write an audit event.
func TestNobodyInventsAnAuditEventByContent(t *testing.T) {
	forged := bare("forged")
	inString := jsonString(forged)
	aks := jsonString(string(eventhubtest.HubBody(eventhubtest.AuditRecord("kube-audit", forged))))
	genuine := func(member string) string { return strings.Replace(bare("a"), `"verb"`, member+`,"verb"`, 1) }
	genuineOnly := []string{"audit:a"}
	for name, test := range map[string]struct {
		body string
		want []string
	}{
		"requestObject":                       {genuine(`"requestObject":` + forged), genuineOnly},
		"a string in requestObject":           {genuine(`"requestObject":{"data":{"x":` + inString + `}}`), genuineOnly},
		"an annotation":                       {genuine(`"annotations":{"x":` + inString + `}`), genuineOnly},
		"the user agent":                      {genuine(`"userAgent":` + aks), genuineOnly},
		"requestObject of AKS's event":        {string(eventhubtest.HubBody(eventhubtest.AuditRecord("kube-audit", genuine(`"requestObject":`+forged)))), genuineOnly},
		"requestObject of a cut event":        {genuine(`"requestObject":[` + forged + `,`), []string{"dead:not_json"}},
		"an event without its kind":           {`{"auditID":"a","requestObject":` + forged + `}`, []string{"skipped:"}},
		"an event without its id":             {strings.Replace(genuine(`"requestObject":`+forged), `"auditID":"a"`, `"x":1`, 1), []string{"dead:not_an_audit_event"}},
		"a row":                               {row("AKSAudit", `,"RequestObject":`+forged), genuineOnly},
		"a row's string":                      {row("AKSAudit", `,"RequestObject":`+inString), genuineOnly},
		"a row of another table":              {row("ContainerLogV2", `,"LogMessage":`+inString), []string{"skipped:"}},
		"a broken log of the audit category":  {string(eventhubtest.HubBody(eventhubtest.AuditRecord("kube-audit", "I0102 "+forged))), []string{"dead:not_json"}},
		"a log of another kind":               {string(eventhubtest.HubBody(eventhubtest.AuditRecord("kube-audit", `{"kind":"Pod","x":`+forged+`}`))), []string{"dead:not_an_audit_event"}},
		"another category":                    {`{"records":[{"category":"guard","properties":{"log":` + inString + `}}]}`, []string{"skipped:guard"}},
		"another category, itself":            {`{"category":"FunctionAppLogs",` + forged[1:], []string{"skipped:FunctionAppLogs"}},
		"another category, in its message":    {`{"category":"FunctionAppLogs","message":` + inString + `}`, []string{"skipped:FunctionAppLogs"}},
		"another category, in an envelope":    {`{"message":{"category":"guard","x":` + forged + `}}`, []string{"skipped:guard"}},
		"another category, in a string":       {`{"message":` + jsonString(`{"category":"guard","x":`+forged+`}`) + `}`, []string{"skipped:guard"}},
		"a broken record of another":          {`{"records":[{"category":"FunctionAppLogs","properties":{'message':'` + forged + `'}}]}`, []string{"skipped:FunctionAppLogs"}},
		"a bracket in an apostrophe's string": {`{"records":[{"category":"FunctionAppLogs","properties":{'message':'}},` + forged + `,{\'x\''}}]}`, []string{"skipped:FunctionAppLogs"}},
		"a newline in an apostrophe's string": {"{\"category\":\"FunctionAppLogs\",'message':'\n" + forged + "\n'}", []string{"skipped:FunctionAppLogs"}},
		"a newline in a broken string":        {"{\"category\":\"FunctionAppLogs\",\"x\":,\"message\":\"\n" + forged + "\n\"}", []string{"skipped:FunctionAppLogs"}},
		"a line of text":                      {"I0102 03:04:05 hello\n" + forged, []string{"dead:not_json"}},
		"a line of text in a string":          {`{"message":` + jsonString("hello\n"+forged) + `}`, []string{"skipped:"}},
		"behind another value in a string":    {`{"message":` + jsonString(`{"user":"x"}`+forged) + `}`, []string{"skipped:"}},
		"a pod":                               {`{"kind":"Pod","apiVersion":"v1","x":` + forged + `}`, []string{"skipped:"}},
		"an event of Kubernetes":              {`{"kind":"Event","apiVersion":"v1","message":` + inString + `}`, []string{"skipped:"}},
		"an event of Kubernetes, unnamed":     {`{"metadata":{},"involvedObject":{},"message":` + inString + `}`, []string{"skipped:"}},
		"a pod in a list, unnamed":            {`[{"metadata":{"name":` + inString + `},"spec":{"x":` + inString + `}}]`, []string{"skipped:"}},
		"a container's line":                  {`{"log":` + inString + `,"stream":"stdout","time":"2026-01-02T03:04:05Z"}`, []string{"skipped:"}},
		"a container's line, by fluent-bit":   {`{"log":` + inString + `,"kubernetes":{"pod_name":"p"}}`, []string{"skipped:"}},
		"a container's line, merged":          {`{"kubernetes":{"pod_name":"p"},` + forged[1:], []string{"skipped:"}},
		"a container's line of a category":    {`{"records":[{"category":"kube-audit","kubernetes":{},"properties":{"log":` + inString + `}}]}`, []string{"skipped:"}},
		"a container's line of no category":   {`{"records":[{"stream":"stdout","properties":{"log":` + inString + `}}]}`, []string{"skipped:"}},
		"a container's application log":       {`{"records":[{"category":"kube-audit","log_type":"application","properties":{"log":` + inString + `}}]}`, []string{"skipped:"}},
		"a container's category, in a member": {`{"x":{"category":"kube-audit","stream":"stdout","properties":{"log":` + inString + `}}}`, []string{"skipped:"}},
		"a container's line, by OpenShift":    {`{"log_type":"application","message":` + inString + `}`, []string{"skipped:"}},
		"a container's line, in an envelope":  {`[{"x":{"message":` + inString + `,"container":{"id":"c"}}}]`, []string{"skipped:"}},
		"an item of another list":             {`{"kind":"EventList","apiVersion":"v1","items":[` + forged + `]}`, []string{"skipped:"}},
		"inside of an item":                   {`{"kind":"EventList","apiVersion":"audit.k8s.io/v1","items":[{"x":` + forged + `}]}`, []string{"skipped:"}},
	} {
		t.Run(name, func(t *testing.T) {
			records := testUnpacker().unpackBody([]byte(test.body))
			assert.Equal(t, test.want, summaries(records))
			for _, r := range records {
				assert.NotEqual(t, "forged", r.AuditID)
			}
		})
	}
}

func TestOnlyTheBrokenPartOfABodyIsLost(t *testing.T) {
	good := func(id string) string { return eventhubtest.AuditRecord("kube-audit", eventhubtest.Audit(id)) }
	const broken = `{"category":"kube-audit","properties":{"log":}}`
	body := string(eventhubtest.HubBody(good("a"), good("b"), good("c")))
	for name, test := range map[string]struct {
		body string
		want []string
		kept string // the content of the dead letter
	}{
		"a record between":             {`{"records":[` + good("a") + "," + broken + "," + good("b") + "]}", []string{"audit:a", "dead:not_json", "audit:b"}, broken},
		"a record between, and more":   {`{"records":[` + good("a") + "," + broken + "," + good("b") + `],"x":1}` + body, []string{"audit:a", "dead:not_json", "audit:b", "audit:a", "audit:b", "audit:c"}, broken},
		"an element between":           {"[" + broken + "," + good("b") + "]", []string{"dead:not_json", "audit:b"}, broken},
		"another's record between":     {"[" + good("a") + `,{"category":"x",'y':'{'},` + good("b") + "]", []string{"audit:a", "skipped:x", "audit:b"}, ""},
		"a record that is no value":    {`{"records":[` + good("a") + ", kube audit " + good("b") + "]}", []string{"audit:a", "dead:not_json", "dead:not_json"}, ""},
		"a line between":               {good("a") + "\n" + broken + "\n" + good("b"), []string{"audit:a", "dead:not_json", "audit:b"}, broken},
		"a line that was cut":          {good("a") + "\n" + good("x")[:60] + "\n" + good("b"), []string{"audit:a", "dead:not_json", "audit:b"}, good("x")[:60]},
		"a line that is salvaged":      {good("a") + "\n" + good("x")[:strings.Index(good("x"), "stageTimestamp")] + "\n" + good("b"), []string{"audit:a", "repaired:x", "audit:b"}, ""},
		"a body cut between records":   {body[:strings.Index(body, good("c"))], []string{"audit:a", "audit:b"}, ""},
		"a body cut before a log":      {body[:strings.Index(body, good("c"))+30], []string{"audit:a", "audit:b", "dead:not_json"}, good("c")[:30]},
		"a body cut behind a log":      {strings.TrimSuffix(body, "}}]}"), []string{"audit:a", "audit:b", "audit:c"}, ""},
		"a bodies' byte order marks":   {"\ufeff" + good("a") + "\n\ufeff" + good("b"), []string{"audit:a", "audit:b"}, ""},
		"NUL bytes between and behind": {good("a") + "\x00\x00" + good("b") + "\x00\n\x00", []string{"audit:a", "audit:b"}, ""},
		"text behind":                  {good("a") + " kube audit", []string{"audit:a", "dead:not_json"}, "kube audit"},
		"text behind another's":        {`{"category":"guard"}` + " kube audit", []string{"skipped:guard", "skipped:"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			records := unpackEnqueued(test.body)
			assert.Equal(t, test.want, summaries(records))
			for _, r := range records {
				if r.Verdict == audit.DeadLettered && test.kept != "" {
					assert.Equal(t, test.kept, string(r.Content))
				}
			}
		})
	}
}

// A body may be cut anywhere: records that were whole before the cut are delivered, and the rest is kept or salvaged.
func TestABodyThatIsCutAnywhereLosesNoWholeRecord(t *testing.T) {
	first, second := eventhubtest.AuditRecord("kube-audit", eventhubtest.Audit("a")), eventhubtest.AuditRecord("kube-audit", eventhubtest.Audit("b"))
	body := string(eventhubtest.HubBody(first, second))
	start := strings.Index(body, second)
	for length := start + 1; length < len(body); length++ {
		records := unpackEnqueued(body[:length])
		require.Equal(t, "audit:a", summary(records[0]), "cut at %d", length)
		require.Len(t, records, 2, "cut at %d", length)
		require.NotEqual(t, audit.Skipped, records[1].Verdict, "cut at %d", length)
		if records[1].Verdict == "" {
			require.Equal(t, "b", records[1].AuditID, "cut at %d", length)
			requireFalcoAccepts(t, records[1].Content)
		}
	}
}

func TestWhatIsSkippedForWantOfACategoryTellsItsMembers(t *testing.T) {
	for body, want := range map[string]string{
		`{"hello":"secret","x":{"y":1}}`:        "hello, x",
		`{}`:                                    "no members",
		`{"a\u001b[2Jb":1}`:                     "a?[2Jb",
		`{"` + strings.Repeat("k", 50) + `":1}`: strings.Repeat("k", 40) + "…",
		`{` + strings.Repeat(`"k":1,`, 20) + `"l":1}`:  strings.Repeat("k, ", 20) + "…",
		`{"properties":{"log":"text"},"time":"today"}`: "properties, time",
		"this is not JSON": NotJSON,
	} {
		records := testUnpacker().unpackBody([]byte(body))
		require.Len(t, records, 1)
		assert.Equal(t, audit.Skipped, records[0].Verdict)
		assert.Equal(t, want, records[0].Shape())
	}
	for _, body := range []string{"", `{"category":"guard","properties":{"log":"text"}}`} {
		assert.Empty(t, testUnpacker().unpackBody([]byte(body))[0].Shape())
	}
}

func TestARowIsRebuiltWithEachOfItsColumns(t *testing.T) {
	records := testUnpacker().unpackBody([]byte(row("AKSAudit",
		`,"User":"{\"username\":\"u\"}","SourceIps":"[\"10.0.0.1\"]","RequestObject":"skipped-too-big-size-object","ResponseObject":null,`+
			`"ObjectRef":"{},\"user\":{\"username\":\"admin\"}","Annotations":"{\"a\":\"b\"}"`)))
	require.Len(t, records, 1)
	assert.Equal(t, `{"kind":"Event","apiVersion":"audit.k8s.io/v1","auditID":"a","stage":"ResponseComplete","verb":"get",`+
		`"user":{"username":"u"},"sourceIPs":["10.0.0.1"],"objectRef":"{},\"user\":{\"username\":\"admin\"}",`+
		`"requestObject":"skipped-too-big-size-object","stageTimestamp":"2026-01-02T03:04:05Z",`+
		`"annotations":{"a":"b","aks-audit-log-go/rebuilt-from":"AKSAudit"}}`, string(records[0].Content))
	assert.Equal(t, "kube-audit", records[0].Category)

	u := newUnpacker(rules{maxEventSize: eventhubtest.MaxEventSize, categories: []string{"kube-audit-admin"}})
	assert.Equal(t, []string{"skipped:kube-audit", "audit:a"}, summaries(u.unpackBody([]byte("["+row("AKSAudit", "")+","+row("aksAuditAdmin", "")+"]"))))
}

func TestALargeRowIsTruncatedAndKeptWhole(t *testing.T) {
	large := row("AKSAudit", `,"ResponseObject":{"x":"`+strings.Repeat("x", eventhubtest.MaxEventSize)+`"}`)
	records := testUnpacker().unpackBody([]byte("[" + large + "]"))
	assert.Equal(t, []string{"truncated:a:too_large"}, summaries(records))
	assert.Equal(t, large, string(records[0].Original))
}

func TestARecordThatIsFoundHasItsCluster(t *testing.T) {
	body := `[{"resourceId":"/x/C1","properties":` + bare("a") + `},{"data":{"category":"kube-audit","resourceId":"/x/C2","properties":{"log":` + jsonString(bare("b")) + `}}}]`
	records := taggingUnpacker().unpackBody([]byte(body))
	assert.Equal(t, []string{"audit:a", "audit:b"}, summaries(records))
	for i, want := range []string{"c1", "c2"} {
		assert.Equal(t, want, records[i].Cluster)
		assert.Equal(t, want, clusterIn(t, records[i].Content))
	}
}

func TestFoundRecordsSurviveTheNextHubEvent(t *testing.T) {
	body := []byte(bare("a") + "\n" + `{"message":` + jsonString(bare("b")) + "}")
	u := testUnpacker()
	records := u.unpackBody(body)
	for i := range body {
		body[i] = 'x'
	}
	u.unpackBody(bytes.Repeat([]byte("[1]"), 1000))
	require.Len(t, records, 2)
	assert.Equal(t, bare("a"), string(records[0].Content))
	assert.Equal(t, bare("b"), string(records[1].Content))
}
