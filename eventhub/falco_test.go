package eventhub

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"aks-audit-log-go/forwarder"
)

// withRequest is an audit event with something as its requestObject.
func withRequest(object string) string {
	return `{"kind":"Event","auditID":"a","stageTimestamp":"2026-01-31T12:00:00Z","requestObject":` + object + `}`
}

// nested is a scalar inside so many arrays.
func nested(arrays int) string {
	return strings.Repeat("[", arrays) + "1" + strings.Repeat("]", arrays)
}

func TestWhatFalcoWouldLoseInSilenceIsNotSent(t *testing.T) {
	fill := func(size int) string {
		empty := withRequest(`""`)
		return withRequest(`"` + strings.Repeat("x", size-len(empty)) + `"`)
	}
	for name, test := range map[string]struct{ event, want string }{
		"sound":                                  {audit("a"), ""},
		"no fraction of a second":                {withRequest("1"), ""},
		"nine digits and an offset":              {`{"kind":"Event","stageTimestamp":"2026-01-31T12:00:00.123456789+02:00"}`, ""},
		"no stageTimestamp":                      {`{"kind":"Event","auditID":"a"}`, forwarder.ReasonNoStageTimestamp},
		"stageTimestamp in another form":         {`{"kind":"Event","stageTimestamp":"31 Jan 2026"}`, forwarder.ReasonNoStageTimestamp},
		"stageTimestamp is a number":             {`{"kind":"Event","stageTimestamp":1769860800}`, forwarder.ReasonNoStageTimestamp},
		"no kind":                                {`{"stageTimestamp":"2026-01-31T12:00:00Z"}`, forwarder.ReasonNotAnAuditEvent},
		"a list":                                 {`[` + audit("a") + `]`, forwarder.ReasonNotAnAuditEvent},
		"two events in a row":                    {audit("a") + "\n" + audit("b"), forwarder.ReasonNotJSON},
		"as large as it may be":                  {fill(testMaxEventSize), ""},
		"a byte too large":                       {fill(testMaxEventSize + 1), forwarder.ReasonTooLarge},
		"too large only by white space":          {strings.Replace(fill(testMaxEventSize), ":", ": ", 1), ""},
		"requestObject nested 296 deep":          {withRequest(nested(296)), ""},
		"requestObject nested 297 deep":          {withRequest(nested(297)), forwarder.ReasonTooDeep},
		"deeper than the parser goes":            {withRequest(nested(5000)), forwarder.ReasonTooDeep},
		"brackets in strings are no levels":      {withRequest(`"` + strings.Repeat("[", 400) + `"`), ""},
		"an escaped quote does not end a string": {withRequest(`"\"` + strings.Repeat("{", 400) + `"`), ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, reason := newUnpacker().checkAudit([]byte(test.event))
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
