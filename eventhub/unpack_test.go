package eventhub

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/forwarder"
)

// testMaxEventSize is Falco's own limit, the default of SINKMAXEVENTSIZE.
const testMaxEventSize = 262_144

// bothCategories are the default of CATEGORIES.
var bothCategories = []string{"kube-audit", "kube-audit-admin"}

func newUnpacker() *unpacker { return unpackerFor(testMaxEventSize) }

func unpackerFor(maxEventSize int) *unpacker {
	return &unpacker{rules: rules{maxEventSize: maxEventSize, categories: bothCategories}}
}

// audit returns a small sound audit event; the id tells one from another.
func audit(id string) string {
	return `{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"` + id +
		`","stage":"ResponseComplete","verb":"get","user":{"username":"masterclient"},"stageTimestamp":"2026-01-31T12:00:00.123456Z"}`
}

// auditRecord wraps a log as AKS does.
func auditRecord(category, log string) string {
	quoted, err := json.Marshal(log)
	if err != nil {
		panic(err) // a string always has JSON
	}
	return `{"category":"` + category + `","operationName":"Microsoft.ContainerService/managedClusters/diagnosticLogs/Read",` +
		`"properties":{"log":` + string(quoted) + `,"stream":"stdout","pod":"kube-apiserver-0"},"time":"2026-01-31T12:00:00.1Z"}`
}

// uncategorised wraps a log without saying of which category it is.
func uncategorised(log string) string {
	return strings.Replace(auditRecord("", log), `"category":"",`, "", 1)
}

// hubBody puts records into the envelope of a hub event.
func hubBody(records ...string) []byte {
	return []byte(`{"records":[` + strings.Join(records, ",") + `]}`)
}

// summary writes a record in a word: what is compared in the tables below.
func summary(r record) string {
	switch r.verdict {
	case forwarder.Skipped:
		return "skipped:" + r.category
	case forwarder.DeadLettered:
		return "dead:" + r.reason
	}
	switch {
	case r.original != nil:
		return "reduced:" + r.auditID + ":" + r.reason
	case r.salvaged:
		return "salvaged:" + r.auditID
	default:
		return "audit:" + r.auditID
	}
}

func TestEachRecordOfAHubEventIsFoundWhateverItsWrapping(t *testing.T) {
	good := auditRecord("kube-audit", audit("a")+"\n")
	asObject := `{"category":"kube-audit","properties":{"log":` + audit("a") + `}}`
	propertiesInString, err := json.Marshal(`{"log":` + audit("a") + `}`)
	require.NoError(t, err)

	for name, test := range map[string]struct {
		body string
		want []string
	}{
		"records array":                   {string(hubBody(good, auditRecord("kube-audit-admin", audit("b")))), []string{"audit:a", "audit:b"}},
		"category in another case":        {string(hubBody(auditRecord("Kube-Audit", audit("a")))), []string{"audit:a"}},
		"bare array":                      {"[" + good + "]", []string{"audit:a"}},
		"single record":                   {good, []string{"audit:a"}},
		"records is an object":            {`{"records":` + good + `}`, []string{"audit:a"}},
		"byte order mark and white space": {"\ufeff \n" + string(hubBody(good)) + "\r\n", []string{"audit:a"}},
		"log is an object":                {string(hubBody(asObject)), []string{"audit:a"}},
		"properties in a string":          {string(hubBody(`{"category":"kube-audit","properties":` + string(propertiesInString) + `}`)), []string{"audit:a"}},
		"no category, but an audit event": {string(hubBody(`{"properties":{"log":` + audit("a") + `}}`)), []string{"audit:a"}},
		"no record":                       {`{"records":[]}`, nil},

		"empty body":                     {"", []string{"skipped:"}},
		"white space only":               {" \n", []string{"skipped:"}},
		"not JSON":                       {`{"records":[`, []string{"dead:not_json"}},
		"no records":                     {`{"hello":"world"}`, []string{"skipped:"}},
		"a record that is no object":     {`{"records":[42,null]}`, []string{"dead:not_an_audit_event", "dead:not_an_audit_event"}},
		"a scalar":                       {`"hello"`, []string{"dead:not_an_audit_event"}},
		"no properties":                  {string(hubBody(`{"category":"kube-audit"}`)), []string{"dead:no_log"}},
		"no log":                         {string(hubBody(`{"category":"kube-audit","properties":{"pod":"x"}}`)), []string{"dead:no_log"}},
		"log is not JSON":                {string(hubBody(auditRecord("kube-audit", "I0109 21:24:54 klog"))), []string{"dead:not_json"}},
		"log is empty":                   {string(hubBody(auditRecord("kube-audit", ""))), []string{"dead:not_json"}},
		"log is cut short":               {string(hubBody(auditRecord("kube-audit", audit("a")[:80]))), []string{"dead:cut"}},
		"log is cut":                     {string(hubBody(auditRecord("kube-audit", audit("a")[:160]))), []string{"salvaged:a"}},
		"log is cut, with a newline":     {string(hubBody(auditRecord("kube-audit", audit("a")[:160]+"\n"))), []string{"salvaged:a"}},
		"log is too deep":                {string(hubBody(auditRecord("kube-audit", withRequest(nested(297))))), []string{"reduced:a:too_deep"}},
		"log is too large":               {string(hubBody(auditRecord("kube-audit", tooLarge("requestObject")))), []string{"reduced:a:too_large"}},
		"log can't be made small enough": {string(hubBody(auditRecord("kube-audit", tooLarge("requestURI")))), []string{"dead:too_large"}},
		"cut, of no category":            {string(hubBody(uncategorised(audit("a")[:160]))), []string{"salvaged:a"}},
		"cut short, of no category":      {string(hubBody(uncategorised(audit("a")[:80]))), []string{"skipped:"}},
		"too large, of no category":      {string(hubBody(uncategorised(tooLarge("requestURI")))), []string{"dead:too_large"}},
		"log is JSON of another kind":    {string(hubBody(auditRecord("kube-audit", `{"kind":"Status"}`))), []string{"dead:not_an_audit_event"}},
		"log is a number":                {string(hubBody(`{"category":"kube-audit","properties":{"log":7}}`)), []string{"dead:not_an_audit_event"}},
		"other category":                 {string(hubBody(auditRecord("guard", "I0109 21:24:54 klog"), good)), []string{"skipped:guard", "audit:a"}},
		"other category that holds JSON": {string(hubBody(auditRecord("kube-apiserver", audit("a")))), []string{"skipped:kube-apiserver"}},
		"no category and no audit event": {string(hubBody(`{"properties":{"log":"text"}}`)), []string{"skipped:"}},
		"a bad record between good ones": {string(hubBody(good, `{"category":"kube-audit"}`, good)), []string{"audit:a", "dead:no_log", "audit:a"}},
	} {
		t.Run(name, func(t *testing.T) {
			u := newUnpacker()
			var got []string
			for _, record := range u.unpack([]byte(test.body)) {
				got = append(got, summary(record))
			}
			assert.Equal(t, test.want, got)
		})
	}
}

func TestAnAuditEventKeepsItsBytes(t *testing.T) {
	log := `{"kind":"Event", "auditID" : "a","note":"\u00e9 é \/ \ud83d\ude00","big":12345678901234567890.10,"stageTimestamp":"2026-01-31T12:00:00Z"}`
	records := newUnpacker().unpack(hubBody(auditRecord("kube-audit", " "+log+"\r\n")))
	require.Len(t, records, 1)
	assert.Equal(t, log, string(records[0].content))
}

func TestADeadLetterKeepsWhatWasThereWhole(t *testing.T) {
	cut := audit("a")[:100]
	middle := strings.Replace(audit("a"), ":", "", 3)
	for name, test := range map[string]struct{ body, want string }{
		"the body that is not JSON": {"{oops", "{oops"},
		"the log that is not JSON":  {string(hubBody(auditRecord("kube-audit", middle))), middle},
		"the log that was cut":      {string(hubBody(auditRecord("kube-audit", cut))), cut},
		"the record without a log":  {`{"records":[{"category":"kube-audit","properties":{"pod":"x"}}]}`, `{"category":"kube-audit","properties":{"pod":"x"}}`},
	} {
		t.Run(name, func(t *testing.T) {
			records := newUnpacker().unpack([]byte(test.body))
			require.Len(t, records, 1)
			assert.Equal(t, test.want, string(records[0].content))
		})
	}
}

func TestRecordsSurviveTheNextHubEvent(t *testing.T) {
	u := newUnpacker()
	first := u.unpack(hubBody(auditRecord("kube-audit", audit("first"))))
	u.unpack(hubBody(auditRecord("kube-audit", strings.Repeat("x", 5000))))
	assert.JSONEq(t, audit("first"), string(first[0].content), "the parsers' memory is used again, the records' must not be")
}

// realHubEvent is a hub event as AKS wrote it. The test is skipped where it is not there.
func realHubEvent(t testing.TB) []byte {
	t.Helper()
	path := filepath.Join("..", "..", "shared", "samples", "aks-hub-event.json")
	body, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		t.Skipf("the sample of a real hub event is not there: %s", path)
	}
	require.NoError(t, err)
	return body
}

func TestTheHubEventOfARealClusterHasItsTwentyTwoAuditEvents(t *testing.T) {
	body := realHubEvent(t)
	var envelope struct {
		Records []struct {
			Properties struct{ Log string }
		}
	}
	require.NoError(t, json.Unmarshal(body, &envelope))

	records := newUnpacker().unpack(body)
	require.Len(t, records, 22)
	for i, record := range records {
		assert.Equal(t, forwarder.Verdict(""), record.verdict)
		assert.Equal(t, strings.TrimSpace(envelope.Records[i].Properties.Log), string(record.content))
		assert.NotEmpty(t, record.auditID)
	}
}

func BenchmarkUnpack(b *testing.B) {
	records := make([]string, 22)
	for i := range records {
		records[i] = auditRecord("kube-audit", strings.Replace(audit("a"), `"verb"`, `"requestURI":"`+strings.Repeat("/api", 150)+`","verb"`, 1)+"\n")
	}
	body := hubBody(records...)
	benchmarkUnpack(b, newUnpacker(), body)
}

// BenchmarkUnpackReal does so with a hub event as AKS wrote it.
func BenchmarkUnpackReal(b *testing.B) { benchmarkUnpack(b, newUnpacker(), realHubEvent(b)) }

// benchmarkUnpack unpacks a hub event of 22 records again and again. It has to copy it each time,
// since unpacking uses it up.
func benchmarkUnpack(b *testing.B, u *unpacker, body []byte) {
	b.Helper()
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	again := make([]byte, len(body))
	for b.Loop() {
		copy(again, body)
		if len(u.unpack(again)) != 22 {
			b.Fatal("records are missing")
		}
	}
}
