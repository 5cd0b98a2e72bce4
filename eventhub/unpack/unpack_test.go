package unpack

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/forwarder/audit"
	"aks-audit-log-go/internal/eventhubtest"
)

func testUnpacker() *Unpacker { return unpackerWithLimit(eventhubtest.MaxEventSize) }

func unpackerWithLimit(maxEventSize int) *Unpacker {
	return newUnpacker(rules{maxEventSize: maxEventSize, categories: eventhubtest.BothCategories})
}

// summary returns a record as one word, for the tables below.
func summary(r Record) string {
	switch r.Verdict {
	case audit.Skipped:
		return "skipped:" + r.Category
	case audit.DeadLettered:
		return "dead:" + r.Reason
	}
	switch {
	case r.Original != nil:
		return "truncated:" + r.AuditID + ":" + r.Reason
	case r.Repaired:
		return "repaired:" + r.AuditID
	default:
		return "audit:" + r.AuditID
	}
}

func TestEachRecordOfAHubEventIsFoundWhateverItsWrapping(t *testing.T) {
	good := eventhubtest.AuditRecord("kube-audit", eventhubtest.Audit("a")+"\n")
	asObject := `{"category":"kube-audit","properties":{"log":` + eventhubtest.Audit("a") + `}}`
	propertiesInString, err := json.Marshal(`{"log":` + eventhubtest.Audit("a") + `}`)
	require.NoError(t, err)

	for name, test := range map[string]struct {
		body string
		want []string
	}{
		"records array":                   {string(eventhubtest.HubBody(good, eventhubtest.AuditRecord("kube-audit-admin", eventhubtest.Audit("b")))), []string{"audit:a", "audit:b"}},
		"category in another case":        {string(eventhubtest.HubBody(eventhubtest.AuditRecord("Kube-Audit", eventhubtest.Audit("a")))), []string{"audit:a"}},
		"bare array":                      {"[" + good + "]", []string{"audit:a"}},
		"single record":                   {good, []string{"audit:a"}},
		"records is an object":            {`{"records":` + good + `}`, []string{"audit:a"}},
		"byte order mark and white space": {"\ufeff \n" + string(eventhubtest.HubBody(good)) + "\r\n", []string{"audit:a"}},
		"log is an object":                {string(eventhubtest.HubBody(asObject)), []string{"audit:a"}},
		"properties in a string":          {string(eventhubtest.HubBody(`{"category":"kube-audit","properties":` + string(propertiesInString) + `}`)), []string{"audit:a"}},
		"no category, but an audit event": {string(eventhubtest.HubBody(`{"properties":{"log":` + eventhubtest.Audit("a") + `}}`)), []string{"audit:a"}},
		"no record":                       {`{"records":[]}`, nil},

		"empty body":                     {"", []string{"skipped:"}},
		"white space only":               {" \n", []string{"skipped:"}},
		"not JSON":                       {`{"records":[`, []string{"skipped:"}},
		"not JSON, of an audit category": {`{"records":[{"category":"kube-audit",`, []string{"dead:not_json"}},
		"no records":                     {`{"hello":"world"}`, []string{"skipped:"}},
		"a record that is no object":     {`{"records":[42,null]}`, []string{"dead:not_an_audit_event", "dead:not_an_audit_event"}},
		"a scalar":                       {`"hello"`, []string{"dead:not_an_audit_event"}},
		"no properties":                  {string(eventhubtest.HubBody(`{"category":"kube-audit"}`)), []string{"dead:no_log"}},
		"no log":                         {string(eventhubtest.HubBody(`{"category":"kube-audit","properties":{"pod":"x"}}`)), []string{"dead:no_log"}},
		"log is not JSON":                {string(eventhubtest.HubBody(eventhubtest.AuditRecord("kube-audit", "I0109 21:24:54 klog"))), []string{"dead:not_json"}},
		"log is empty":                   {string(eventhubtest.HubBody(eventhubtest.AuditRecord("kube-audit", ""))), []string{"dead:not_json"}},
		"log is cut short":               {string(eventhubtest.HubBody(eventhubtest.AuditRecord("kube-audit", eventhubtest.Audit("a")[:80]))), []string{"dead:cut"}},
		"log is cut":                     {string(eventhubtest.HubBody(eventhubtest.AuditRecord("kube-audit", eventhubtest.Audit("a")[:160]))), []string{"repaired:a"}},
		"log is cut, with a newline":     {string(eventhubtest.HubBody(eventhubtest.AuditRecord("kube-audit", eventhubtest.Audit("a")[:160]+"\n"))), []string{"repaired:a"}},
		"log is too deep":                {string(eventhubtest.HubBody(eventhubtest.AuditRecord("kube-audit", eventhubtest.WithRequest(eventhubtest.Nested(297))))), []string{"truncated:a:too_deep"}},
		"log is too large":               {string(eventhubtest.HubBody(eventhubtest.AuditRecord("kube-audit", eventhubtest.TooLarge("requestObject")))), []string{"truncated:a:too_large"}},
		"log can't be made small enough": {string(eventhubtest.HubBody(eventhubtest.AuditRecord("kube-audit", eventhubtest.TooLarge("requestURI")))), []string{"dead:too_large"}},
		"cut, of no category":            {string(eventhubtest.HubBody(eventhubtest.Uncategorised(eventhubtest.Audit("a")[:160]))), []string{"repaired:a"}},
		"cut short, of no category":      {string(eventhubtest.HubBody(eventhubtest.Uncategorised(eventhubtest.Audit("a")[:80]))), []string{"skipped:"}},
		"too large, of no category":      {string(eventhubtest.HubBody(eventhubtest.Uncategorised(eventhubtest.TooLarge("requestURI")))), []string{"dead:too_large"}},
		"log is JSON of another kind":    {string(eventhubtest.HubBody(eventhubtest.AuditRecord("kube-audit", `{"kind":"Status"}`))), []string{"dead:not_an_audit_event"}},
		"log is a number":                {string(eventhubtest.HubBody(`{"category":"kube-audit","properties":{"log":7}}`)), []string{"dead:not_an_audit_event"}},
		"other category":                 {string(eventhubtest.HubBody(eventhubtest.AuditRecord("guard", "I0109 21:24:54 klog"), good)), []string{"skipped:guard", "audit:a"}},
		"other category that holds JSON": {string(eventhubtest.HubBody(eventhubtest.AuditRecord("kube-apiserver", eventhubtest.Audit("a")))), []string{"skipped:kube-apiserver"}},
		"no category and no audit event": {string(eventhubtest.HubBody(`{"properties":{"log":"text"}}`)), []string{"skipped:"}},
		"a bad record between good ones": {string(eventhubtest.HubBody(good, `{"category":"kube-audit"}`, good)), []string{"audit:a", "dead:no_log", "audit:a"}},
	} {
		t.Run(name, func(t *testing.T) {
			u := testUnpacker()
			var got []string
			for _, record := range u.unpackBody([]byte(test.body)) {
				got = append(got, summary(record))
			}
			assert.Equal(t, test.want, got)
		})
	}
}

func TestAnAuditEventKeepsItsBytes(t *testing.T) {
	log := `{"kind":"Event", "auditID" : "a","note":"\u00e9 é \/ \ud83d\ude00","big":12345678901234567890.10,"stageTimestamp":"2026-01-31T12:00:00Z"}`
	records := testUnpacker().unpackBody(eventhubtest.HubBody(eventhubtest.AuditRecord("kube-audit", " "+log+"\r\n")))
	require.Len(t, records, 1)
	assert.Equal(t, log, string(records[0].Content))
}

func TestADeadLetterKeepsWhatWasThereWhole(t *testing.T) {
	cut := eventhubtest.Audit("a")[:100]
	middle := strings.Replace(eventhubtest.Audit("a"), ":", "", 3)
	for name, test := range map[string]struct{ body, want string }{
		"the body that is not JSON": {`{"category":"kube-audit" oops`, `{"category":"kube-audit" oops`},
		"the log that is not JSON":  {string(eventhubtest.HubBody(eventhubtest.AuditRecord("kube-audit", middle))), middle},
		"the log that was cut":      {string(eventhubtest.HubBody(eventhubtest.AuditRecord("kube-audit", cut))), cut},
		"the record without a log":  {`{"records":[{"category":"kube-audit","properties":{"pod":"x"}}]}`, `{"category":"kube-audit","properties":{"pod":"x"}}`},
	} {
		t.Run(name, func(t *testing.T) {
			records := testUnpacker().unpackBody([]byte(test.body))
			require.Len(t, records, 1)
			assert.Equal(t, test.want, string(records[0].Content))
		})
	}
}

func TestRecordsSurviveTheNextHubEvent(t *testing.T) {
	u := testUnpacker()
	first := u.unpackBody(eventhubtest.HubBody(eventhubtest.AuditRecord("kube-audit", eventhubtest.Audit("first"))))
	u.unpackBody(eventhubtest.HubBody(eventhubtest.AuditRecord("kube-audit", strings.Repeat("x", 5000))))
	assert.JSONEq(t, eventhubtest.Audit("first"), string(first[0].Content), "the parsers reuse their memory, and the records must not be in it")
}

// realHubEvent returns a hub event as AKS wrote it.
func realHubEvent(t testing.TB) []byte {
	t.Helper()
	return eventhubtest.Samples(t, "aks-hub-event.json")["aks-hub-event.json"]
}

func TestTheHubEventOfARealClusterHasItsTwentyTwoAuditEvents(t *testing.T) {
	body := realHubEvent(t)
	var envelope struct {
		Records []struct {
			Properties struct{ Log string }
		}
	}
	require.NoError(t, json.Unmarshal(body, &envelope))

	records := testUnpacker().unpackBody(body)
	require.Len(t, records, 22)
	for i, record := range records {
		assert.Equal(t, audit.Verdict(""), record.Verdict)
		assert.Equal(t, strings.TrimSpace(envelope.Records[i].Properties.Log), string(record.Content))
		assert.NotEmpty(t, record.AuditID)
	}
}

func BenchmarkUnpack(b *testing.B) {
	records := make([]string, 22)
	for i := range records {
		records[i] = eventhubtest.AuditRecord("kube-audit", strings.Replace(eventhubtest.Audit("a"), `"verb"`, `"requestURI":"`+strings.Repeat("/api", 150)+`","verb"`, 1)+"\n")
	}
	body := eventhubtest.HubBody(records...)
	benchmarkUnpack(b, testUnpacker(), body)
}

// BenchmarkUnpackReal is BenchmarkUnpack with a hub event as AKS wrote it.
func BenchmarkUnpackReal(b *testing.B) { benchmarkUnpack(b, testUnpacker(), realHubEvent(b)) }

// benchmarkUnpack unpacks a hub event of 22 records in a loop. It copies the body each time, because the fast path
// overwrites the body.
func benchmarkUnpack(b *testing.B, u *Unpacker, body []byte) {
	b.Helper()
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	again := make([]byte, len(body))
	for b.Loop() {
		copy(again, body)
		if len(u.unpackBody(again)) != 22 {
			b.Fatal("records are missing")
		}
	}
}
