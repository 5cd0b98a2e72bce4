package unpack

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"aks-audit-log-go/forwarder/audit"
	"aks-audit-log-go/internal/eventhubtest"
)

func TestAnEventThatFalcoWouldDropWithoutAMessageIsNotSent(t *testing.T) {
	fill := func(size int) string {
		empty := eventhubtest.WithRequest(`""`)
		return eventhubtest.WithRequest(`"` + strings.Repeat("x", size-len(empty)) + `"`)
	}
	for name, test := range map[string]struct{ event, want string }{
		"sound":                                  {eventhubtest.Audit("a"), ""},
		"no fraction of a second":                {eventhubtest.WithRequest("1"), ""},
		"nine digits and an offset":              {`{"kind":"Event","stageTimestamp":"2026-01-31T12:00:00.123456789+02:00"}`, ""},
		"no stageTimestamp":                      {`{"kind":"Event","auditID":"a"}`, audit.ReasonNoStageTimestamp},
		"stageTimestamp in another form":         {`{"kind":"Event","stageTimestamp":"31 Jan 2026"}`, audit.ReasonNoStageTimestamp},
		"stageTimestamp is a number":             {`{"kind":"Event","stageTimestamp":1769860800}`, audit.ReasonNoStageTimestamp},
		"no kind":                                {`{"stageTimestamp":"2026-01-31T12:00:00Z"}`, audit.ReasonNotAnAuditEvent},
		"a list":                                 {`[` + eventhubtest.Audit("a") + `]`, audit.ReasonNotAnAuditEvent},
		"two events in a row":                    {eventhubtest.Audit("a") + "\n" + eventhubtest.Audit("b"), audit.ReasonNotJSON},
		"as large as it may be":                  {fill(eventhubtest.MaxEventSize), ""},
		"a byte too large":                       {fill(eventhubtest.MaxEventSize + 1), audit.ReasonTooLarge},
		"too large only by white space":          {strings.Replace(fill(eventhubtest.MaxEventSize), ":", ": ", 1), ""},
		"requestObject nested 296 deep":          {eventhubtest.WithRequest(eventhubtest.Nested(296)), ""},
		"requestObject nested 297 deep":          {eventhubtest.WithRequest(eventhubtest.Nested(297)), audit.ReasonTooDeep},
		"deeper than the parser goes":            {eventhubtest.WithRequest(eventhubtest.Nested(5000)), audit.ReasonTooDeep},
		"brackets in strings are no levels":      {eventhubtest.WithRequest(`"` + strings.Repeat("[", 400) + `"`), ""},
		"an escaped quote does not end a string": {eventhubtest.WithRequest(`"\"` + strings.Repeat("{", 400) + `"`), ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, reason := (&Validator{MaxEventSize: eventhubtest.MaxEventSize}).Check([]byte(test.event))
			assert.Equal(t, test.want, reason)
		})
	}
}

func TestDepthCountsTheOutermostValueAndTheInnermostScalar(t *testing.T) {
	for text, want := range map[string]int{
		`1`: 1, `{"a":1}`: 2, `[[1]]`: 3, `{"a":{"b":[1]}}`: 4, `[1],[[2]]`: 3, `{"a":"]["`: 2,
	} {
		assert.Equal(t, want, depth([]byte(text)), text)
	}
}
