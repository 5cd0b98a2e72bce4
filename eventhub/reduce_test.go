package eventhub

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// tooLarge is a sound audit event of which a string in one member is larger than Falco takes.
func tooLarge(key string) string {
	padding := `"` + strings.Repeat("x", testMaxEventSize) + `"`
	return strings.Replace(audit("a"), `"verb"`, `"`+key+`":`+padding+`,"verb"`, 1)
}

func TestAnEventLosesAsLittleAsMakesItFit(t *testing.T) {
	const (
		head   = `{"kind":"Event","auditID":"a","stageTimestamp":"2026-01-31T12:00:00Z"`
		marked = `,"annotations":{"audit.k8s.io/truncated":"true"}}`
	)
	large := `"` + strings.Repeat("x", testMaxEventSize) + `"`
	for name, test := range map[string]struct{ event, want, reason string }{
		"a response too large": {head + `,"requestObject":{"a":1},"responseObject":` + large + `}`, head + `,"requestObject":{"a":1}` + marked, "too_large"},
		"a request too large":  {head + `,"requestObject":` + large + `,"responseObject":{"a":1}}`, head + marked, "too_large"},
		"both too large":       {head + `,"requestObject":` + large + `,"responseObject":` + large + `}`, head + marked, "too_large"},
		"a response too deep":  {head + `,"responseObject":` + nested(5000) + `,"requestObject":[1]}`, head + `,"requestObject":[1]` + marked, "too_deep"},
		"a request too deep":   {head + `,"requestObject":` + nested(297) + `}`, head + marked, "too_deep"},
		"a request too deep and a response too large": {
			head + `,"responseObject":` + large + `,"requestObject":` + nested(297) + `}`, head + marked, "too_deep",
		},
		"what comes first": {
			`{"responseObject":` + large + `,` + head[1:] + `}`, head + marked, "too_large",
		},
		"what comes in between": {
			head + `,"responseObject":` + large + `,"verb":"get"}`, head + `,"verb":"get"` + marked, "too_large",
		},
		"two of them": {
			head + `,"responseObject":` + large + `,"verb":"get","responseObject":` + large + `}`, head + `,"verb":"get"` + marked, "too_large",
		},
		"annotations that are there": {
			head + `,"annotations":{"a":"b"},"responseObject":` + large + `}`,
			head + `,"annotations":{"a":"b","audit.k8s.io/truncated":"true"}}`, "too_large",
		},
		"all else as it stood": {
			head + `,"responseObject":` + large + `,"note":"\u00e9 é \/ \ud83d\ude00","big":12345678901234567890.10}`,
			head + `,"note":"\u00e9 é \/ \ud83d\ude00","big":12345678901234567890.10` + marked, "too_large",
		},
		"an object of that name further in": {
			head + `,"responseObject":` + large + `,"a":{"responseObject":1}}`, head + `,"a":{"responseObject":1}` + marked, "too_large",
		},
	} {
		t.Run(name, func(t *testing.T) {
			records := newUnpacker().unpack(hubBody(auditRecord("kube-audit", test.event)))
			require.Len(t, records, 1)
			assert.Equal(t, "reduced:a:"+test.reason, summary(records[0]))
			assert.Equal(t, test.want, string(records[0].content))
			assert.Equal(t, test.event, string(records[0].original), "the original is kept whole")
		})
	}
}

func TestAnEventThatCannotBeMadeToFitIsADeadLetterOnly(t *testing.T) {
	for name, test := range map[string]struct{ event, want string }{
		"too large elsewhere":             {tooLarge("requestURI"), "dead:too_large"},
		"too large elsewhere as well":     {strings.Replace(tooLarge("requestURI"), `"verb"`, `"requestObject":{},"verb"`, 1), "dead:too_large"},
		"too deep elsewhere":              {strings.Replace(audit("a"), `"verb"`, `"x":`+nested(300)+`,"verb"`, 1), "dead:too_deep"},
		"too deep and no audit event":     {`{"requestObject":` + nested(300) + `}`, "dead:not_an_audit_event"},
		"too deep and broken":             {withRequest(nested(300)) + "}", "dead:too_deep"},
		"too deep and broken in the deep": {withRequest(strings.Repeat("[", 300) + ":" + strings.Repeat("]", 300)), "dead:too_deep"},
	} {
		t.Run(name, func(t *testing.T) {
			records := newUnpacker().unpack(hubBody(auditRecord("kube-audit", test.event)))
			require.Len(t, records, 1)
			assert.Equal(t, test.want, summary(records[0]))
			assert.Equal(t, test.event, string(records[0].content))
			assert.Nil(t, records[0].original)
		})
	}
}

func TestTheLargestEventIsConfigured(t *testing.T) {
	event := strings.Replace(audit("a"), `"verb"`, `"requestObject":"`+strings.Repeat("x", 2000)+`","verb"`, 1)
	small := unpackerFor(len(event) - 1)
	assert.Equal(t, "reduced:a:too_large", summary(small.unpack(hubBody(auditRecord("kube-audit", event)))[0]))
	exact := unpackerFor(len(event))
	assert.Equal(t, "audit:a", summary(exact.unpack(hubBody(auditRecord("kube-audit", event)))[0]))

	// A body whose memory is not kept for the next must not take the limit along.
	small.unpack([]byte(`"` + strings.Repeat("x", keptSize) + `"`))
	assert.Equal(t, "reduced:a:too_large", summary(small.unpack(hubBody(auditRecord("kube-audit", event)))[0]))
}
