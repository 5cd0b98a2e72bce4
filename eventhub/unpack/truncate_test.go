package unpack

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/internal/eventhubtest"
)

func TestAnEventLosesAsLittleAsMakesItFit(t *testing.T) {
	const (
		head   = `{"kind":"Event","auditID":"a","stageTimestamp":"2026-01-31T12:00:00Z"`
		marked = `,"annotations":{"audit.k8s.io/truncated":"true"}}`
	)
	large := `"` + strings.Repeat("x", eventhubtest.MaxEventSize) + `"`
	for name, test := range map[string]struct{ event, want, reason string }{
		"a response too large": {head + `,"requestObject":{"a":1},"responseObject":` + large + `}`, head + `,"requestObject":{"a":1}` + marked, "too_large"},
		"a request too large":  {head + `,"requestObject":` + large + `,"responseObject":{"a":1}}`, head + marked, "too_large"},
		"both too large":       {head + `,"requestObject":` + large + `,"responseObject":` + large + `}`, head + marked, "too_large"},
		"a response too deep":  {head + `,"responseObject":` + eventhubtest.Nested(5000) + `,"requestObject":[1]}`, head + `,"requestObject":[1]` + marked, "too_deep"},
		"a request too deep":   {head + `,"requestObject":` + eventhubtest.Nested(297) + `}`, head + marked, "too_deep"},
		"a request too deep and a response too large": {
			head + `,"responseObject":` + large + `,"requestObject":` + eventhubtest.Nested(297) + `}`, head + marked, "too_deep",
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
			records := testUnpacker().unpackBody(eventhubtest.HubBody(eventhubtest.AuditRecord("kube-audit", test.event)))
			require.Len(t, records, 1)
			assert.Equal(t, "truncated:a:"+test.reason, summary(records[0]))
			assert.Equal(t, test.want, string(records[0].Content))
			assert.Equal(t, test.event, string(records[0].Original), "the original stays whole")
		})
	}
}

func TestAnEventThatCannotBeMadeToFitIsADeadLetterOnly(t *testing.T) {
	for name, test := range map[string]struct{ event, want string }{
		"too large elsewhere":             {eventhubtest.TooLarge("requestURI"), "dead:too_large"},
		"too large elsewhere as well":     {strings.Replace(eventhubtest.TooLarge("requestURI"), `"verb"`, `"requestObject":{},"verb"`, 1), "dead:too_large"},
		"too deep elsewhere":              {strings.Replace(eventhubtest.Audit("a"), `"verb"`, `"x":`+eventhubtest.Nested(300)+`,"verb"`, 1), "dead:too_deep"},
		"too deep and no audit event":     {`{"requestObject":` + eventhubtest.Nested(300) + `}`, "dead:not_an_audit_event"},
		"too deep and broken":             {eventhubtest.WithRequest(eventhubtest.Nested(300)) + "}", "dead:too_deep"},
		"too deep and broken in the deep": {eventhubtest.WithRequest(strings.Repeat("[", 300) + ":" + strings.Repeat("]", 300)), "dead:too_deep"},
	} {
		t.Run(name, func(t *testing.T) {
			records := testUnpacker().unpackBody(eventhubtest.HubBody(eventhubtest.AuditRecord("kube-audit", test.event)))
			require.Len(t, records, 1)
			assert.Equal(t, test.want, summary(records[0]))
			assert.Equal(t, test.event, string(records[0].Content))
			assert.Nil(t, records[0].Original)
		})
	}
}

func TestTheLargestEventIsConfigured(t *testing.T) {
	event := strings.Replace(eventhubtest.Audit("a"), `"verb"`, `"requestObject":"`+strings.Repeat("x", 2000)+`","verb"`, 1)
	small := unpackerWithLimit(len(event) - 1)
	assert.Equal(t, "truncated:a:too_large", summary(small.unpackBody(eventhubtest.HubBody(eventhubtest.AuditRecord("kube-audit", event)))[0]))
	exact := unpackerWithLimit(len(event))
	assert.Equal(t, "audit:a", summary(exact.unpackBody(eventhubtest.HubBody(eventhubtest.AuditRecord("kube-audit", event)))[0]))

	// A large body, after which the memory is dropped, must not drop the limit.
	small.unpackBody([]byte(`"` + strings.Repeat("x", keptSize) + `"`))
	assert.Equal(t, "truncated:a:too_large", summary(small.unpackBody(eventhubtest.HubBody(eventhubtest.AuditRecord("kube-audit", event)))[0]))
}
