package unpack

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/internal/eventhubtest"
)

const (
	// known is the start of the audit events in the tables.
	known = `{"kind":"Event","auditID":"a","verb":"get","user":{"username":"u"}`
	// recordTime is the time of the record around these events.
	recordTime = "2026-01-31T12:00:00.123456789Z"
	// filledIn is the end of a repaired event that had neither stageTimestamp nor annotations.
	filledIn = `,"stageTimestamp":"` + recordTime + `","annotations":{"audit.k8s.io/truncated":"true"}}`
)

func TestRepairKeepsWholeValuesAndLeavesOutHalfWrittenOnes(t *testing.T) {
	for name, test := range map[string]struct{ cut, want string }{
		"after a value":                     {`,"a":"b"`, `,"a":"b"`},
		"after a comma":                     {`,"a":"b",`, `,"a":"b"`},
		"in a key":                          {`,"a":"b","k`, `,"a":"b"`},
		"after a key":                       {`,"a":"b","k"`, `,"a":"b"`},
		"after a colon":                     {`,"a":"b","k":`, `,"a":"b"`},
		"before a string":                   {`,"a":"b","k":"`, `,"a":"b"`},
		"in a string":                       {`,"a":"b","k":"val`, `,"a":"b"`},
		"after a backslash":                 {`,"a":"b","k":"val\`, `,"a":"b"`},
		"after an escaped quote":            {`,"a":"b","k":"val\"`, `,"a":"b"`},
		"after a backslash and a quote":     {`,"k":"val\\"`, `,"k":"val\\"`},
		"in an escape":                      {`,"a":"b","k":"val\u12`, `,"a":"b"`},
		"between surrogates":                {`,"a":"b","k":"val\ud83d`, `,"a":"b"`},
		"in the second surrogate":           {`,"a":"b","k":"val\ud83d\ude0`, `,"a":"b"`},
		"after surrogates":                  {`,"k":"val\ud83d\ude00"`, `,"k":"val\ud83d\ude00"`},
		"in a character of several bytes":   {",\"a\":\"b\",\"k\":\"val\xf0\x9f", `,"a":"b"`},
		"in true":                           {`,"a":"b","k":tru`, `,"a":"b"`},
		"after true":                        {`,"k":true`, `,"k":true`},
		"in false":                          {`,"a":"b","k":f`, `,"a":"b"`},
		"in null":                           {`,"a":"b","k":nul`, `,"a":"b"`},
		"after null":                        {`,"k":null`, `,"k":null`},
		"in a number":                       {`,"a":"b","k":12`, `,"a":"b"`},
		"after a minus":                     {`,"a":"b","k":-`, `,"a":"b"`},
		"after a point":                     {`,"a":"b","k":1.`, `,"a":"b"`},
		"after an exponent":                 {`,"a":"b","k":1e`, `,"a":"b"`},
		"after a number and a comma":        {`,"k":-12.50e+3,`, `,"k":-12.50e+3`},
		"after a number and a bracket":      {`,"k":[1]`, `,"k":[1]`},
		"in the second number of an array":  {`,"k":[1,20`, `,"k":[1]`},
		"after a bracket":                   {`,"k":[`, `,"k":[]`},
		"after a brace":                     {`,"k":{`, `,"k":{}`},
		"in an object":                      {`,"k":{"a":1,"b":"c`, `,"k":{"a":1}`},
		"in arrays and objects":             {`,"k":[[{"a":[true,{"b":"c"},"d`, `,"k":[[{"a":[true,{"b":"c"}]}]]`},
		"after an object":                   {`,"k":{"a":1}`, `,"k":{"a":1}`},
		"where brackets are in strings":     {`,"k":["]}","{`, `,"k":["]}"]`},
		"with white space between":          {" ,\n\t\"k\" : [ 1 , 2", " ,\n\t\"k\" : [ 1" + "]"},
		"with white space where it was cut": {",\"k\":1 \n", `,"k":1`},
		"with a key that is written twice":  {`,"k":1,"k":2,"k":"`, `,"k":1,"k":2`},
		"with numbers as they stood":        {`,"k":12345678901234567890.10,`, `,"k":12345678901234567890.10`},
		"with escapes as they stood":        {`,"k":"\u00e9 é \/","l`, `,"k":"\u00e9 é \/"`},
	} {
		t.Run(name, func(t *testing.T) {
			event, err := repair([]byte(known+test.cut), recordTime)
			require.NoError(t, err)
			assert.Equal(t, known+test.want+filledIn, string(event))
			assert.True(t, json.Valid(event))
		})
	}
}

func TestOnlyWhatWasCutIsRepaired(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":                       ``,
		"white space":                   " \n",
		"a whole event":                 eventhubtest.Audit("a"),
		"a whole event and white space": eventhubtest.Audit("a") + "\n",
		"two events":                    eventhubtest.Audit("a") + eventhubtest.Audit("b"),
		"a whole event and half of one": eventhubtest.Audit("a") + eventhubtest.Audit("b")[:80],
		"text":                          "I0109 21:24:54 klog",
		"a string":                      `"kind`,
		"an array":                      `[` + known,
		"a marker where it was cut":     known + `...`,
		"a marker after a comma":        known + `,...`,
		"a missing colon":               known + `,"k" 1,"l":"`,
		"a missing comma":               known + `,"k":1 "l":"`,
		"a missing value":               known + `,"k":,"l":"`,
		"a comma too many":              known + `,"k":[1,],"l":"`,
		"a comma first":                 known + `,"k":[,1],"l":"`,
		"a comma at the end":            known + `,"k":{"a":1,},"l":"`,
		"the wrong bracket":             known + `,"k":[1},"l":"`,
		"a bracket too many":            known + `}}`,
		"a key that is no string":       known + `,k:1,"l":"`,
		"a value without quotes":        known + `,"k":value,"l":"`,
		"half a literal and more":       known + `,"k":tru,"l":"`,
		"more than a literal":           known + `,"k":truest`,
		"a letter in a number":          known + `,"k":1x`,
		"no number":                     known + `,"k":+`,
	} {
		t.Run(name, func(t *testing.T) {
			_, err := repair([]byte(text), recordTime)
			assert.ErrorIs(t, err, errNotCut)
		})
	}
}

func TestAnEventThatLacksWhoDidWhatIsNotRepaired(t *testing.T) {
	for name, test := range map[string]struct {
		cut  string
		want error
	}{
		"nothing but a brace":         {`{`, errCutShort},
		"no auditID":                  {`{"kind":"Event","verb":"get","user":{"username":"u"},"a`, errCutShort},
		"half an auditID":             {`{"verb":"get","user":{"username":"u"},"auditID":"a`, errCutShort},
		"no verb":                     {`{"auditID":"a","user":{"username":"u"},"a`, errCutShort},
		"no user":                     {`{"auditID":"a","verb":"get","a`, errCutShort},
		"half a user":                 {`{"auditID":"a","verb":"get","user":{"uid":"x","username":"u`, errCutShort},
		"a user with a name":          {`{"auditID":"a","verb":"get","user":{"username":"u","groups":["a`, nil},
		"a user who is nobody":        {`{"auditID":"a","verb":"get","user":{},"a`, nil},
		"in another order":            {`{"user":{"username":"u"},"verb":"get","auditID":"a","a`, nil},
		"names that are not the own":  {`{"a":{"auditID":"a","verb":"get","user":{"username":"u"}},"a`, errCutShort},
		"auditID written with escape": {`{"\u0061uditID":"a","verb":"get","user":{"username":"u"},"a`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := repair([]byte(test.cut), recordTime)
			require.ErrorIs(t, err, test.want)
		})
	}
}

func TestRepairAddsWhatFalcoNeedsAndTheCutTook(t *testing.T) {
	const (
		received  = `,"requestReceivedTimestamp":"2026-01-31T12:00:01.5Z"`
		stage     = `,"stageTimestamp":"2026-01-31T12:00:02Z"`
		truncated = `"audit.k8s.io/truncated":"true"`
	)
	for name, test := range map[string]struct{ cut, time, want string }{
		"the time of the record": {known, recordTime, known + filledIn},
		"a time without a fraction": {
			known, "2026-01-31T12:00:00Z", known + `,"stageTimestamp":"2026-01-31T12:00:00Z","annotations":{` + truncated + `}}`,
		},
		"the time of the request": {
			known + received, recordTime, known + received + `,"stageTimestamp":"2026-01-31T12:00:01.5Z","annotations":{` + truncated + `}}`,
		},
		"a stageTimestamp that was not cut": {
			known + received + stage + `,"r`, recordTime, known + received + stage + `,"annotations":{` + truncated + `}}`,
		},
		"half a stageTimestamp": {known + stage[:len(stage)-3], recordTime, known + filledIn},
		"a time of the request that is none": {
			known + `,"requestReceivedTimestamp":"soon"`, recordTime, known + `,"requestReceivedTimestamp":"soon"` + filledIn,
		},
		"a record without a time": {known, "", known + `,"annotations":{` + truncated + `}}`},
		"kind": {
			`{"auditID":"a","verb":"get","user":{},`, recordTime, `{"auditID":"a","verb":"get","user":{},"kind":"Event"` + filledIn,
		},
		"an annotation to those that are there": {
			known + stage + `,"annotations":{"a":"b"},"r`, recordTime, known + stage + `,"annotations":{"a":"b",` + truncated + `}}`,
		},
		"an annotation to half of them": {
			known + stage + `,"annotations":{"a":"b","c":"`, recordTime, known + stage + `,"annotations":{"a":"b",` + truncated + `}}`,
		},
		"an annotation to none yet": {known + stage + `,"annotations":{`, recordTime, known + stage + `,"annotations":{` + truncated + `}}`},
		"annotations that come first": {
			`{"annotations":{"a":"b"},` + known[1:] + stage, recordTime,
			`{"annotations":{"a":"b",` + truncated + `},` + known[1:] + stage + `}`,
		},
		"an annotation that the API server set": {
			known + stage + `,"annotations":{` + truncated + `,"a":"b`, recordTime, known + stage + `,"annotations":{` + truncated + `}}`,
		},
		"an annotation that says otherwise": {
			known + stage + `,"annotations":{"audit.k8s.io/truncated":"false"},"a`, recordTime,
			known + stage + `,"annotations":{` + truncated + `}}`,
		},
		"annotations that are null": {
			known + stage + `,"annotations":null`, recordTime, known + stage + `,"annotations":{` + truncated + `}}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			event, err := repair([]byte(test.cut), test.time)
			require.NoError(t, err)
			assert.Equal(t, test.want, string(event))
		})
	}
}

func TestACutEventWithoutAnyTimeIsADeadLetter(t *testing.T) {
	record := strings.Replace(eventhubtest.AuditRecord("kube-audit", known), `"time"`, `"then"`, 1)
	records := testUnpacker().unpackBody(eventhubtest.HubBody(record))
	require.Len(t, records, 1)
	assert.Equal(t, "dead:no_stage_timestamp", summary(records[0]))
	assert.Equal(t, known, string(records[0].Content))
}

func TestACutEventOfAnotherKindIsADeadLetter(t *testing.T) {
	cut := strings.Replace(known, `"Event"`, `"Pod"`, 1)
	records := testUnpacker().unpackBody(eventhubtest.HubBody(eventhubtest.AuditRecord("kube-audit", cut)))
	require.Len(t, records, 1)
	assert.Equal(t, "dead:not_an_audit_event", summary(records[0]))
}

func TestACutEventThatIsTooDeepIsTruncatedToo(t *testing.T) {
	cut := known + `,"requestObject":` + strings.Repeat(`{"a":[`, 1000)
	records := testUnpacker().unpackBody(eventhubtest.HubBody(eventhubtest.AuditRecord("kube-audit", cut)))
	require.Len(t, records, 1)
	assert.Equal(t, "truncated:a:too_deep", summary(records[0]))
	assert.True(t, records[0].Repaired)
	assert.Equal(t, cut, string(records[0].Original), "the dead letter holds the log as it was in the hub")
	want := strings.Replace(known+filledIn, recordTime, "2026-01-31T12:00:00.1Z", 1)
	assert.Equal(t, want, string(records[0].Content))
}

func TestRepairDoesNotChangeTheLog(t *testing.T) {
	log := []byte(known + `,"annotations":{"a":"b"},"k":[1,"`)
	before := slices.Clone(log)
	_, err := repair(log, recordTime)
	require.NoError(t, err)
	assert.Equal(t, before, log)
}

func BenchmarkRepair(b *testing.B) {
	const limit = 16 << 10 // where AKS cuts
	log := []byte(known + `,"requestObject":{"roleRef":{"name":"cluster-admin"},"list":[` + strings.Repeat(`{"name":"x","value":17},`, limit/20))[:limit]
	b.SetBytes(limit)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := repair(log, recordTime); err != nil {
			b.Fatal(err)
		}
	}
}
