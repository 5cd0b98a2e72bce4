package unpack

import (
	"time"

	"github.com/valyala/fastjson"

	"aks-audit-log-go/eventhub/unpack/jsonscan"
	"aks-audit-log-go/forwarder/audit"
)

// falcoMaxDepth is how deep an audit event may be nested for Falco's k8saudit plugin, itself and the innermost scalar
// counted: the plugin's parser has 300 levels, and an EventList around the event takes two.
const falcoMaxDepth = 298

// Validator checks what Falco's k8saudit plugin takes, as measured with a real plugin (docs/design.md). The plugin
// answers 200 before it parses, and would drop an event that it cannot use without any message. Such an event must
// not be sent. Two goroutines must not use a Validator at once.
type Validator struct {
	// MaxEventSize is the largest audit event that the sink takes, in bytes.
	MaxEventSize int

	parser fastjson.Parser
}

// Check returns the auditID of an audit event that Falco can use, or the reason why Falco cannot use it.
func (v *Validator) Check(event []byte) (auditID, reason string) {
	if depth(event) > falcoMaxDepth {
		return "", audit.ReasonTooDeep
	}
	parsed, err := v.parser.ParseBytes(event)
	if err != nil {
		return "", audit.ReasonNotJSON
	}
	if string(parsed.GetStringBytes("kind")) != "Event" {
		return "", audit.ReasonNotAnAuditEvent
	}
	if !isTimestamp(string(parsed.GetStringBytes("stageTimestamp"))) {
		return "", audit.ReasonNoStageTimestamp
	}
	// The plugin counts the bytes without white space between tokens.
	if len(event) > v.MaxEventSize && len(parsed.MarshalTo(nil)) > v.MaxEventSize {
		return "", audit.ReasonTooLarge
	}
	return string(parsed.GetStringBytes("auditID")), ""
}

// isTimestamp reports whether Falco's plugin takes text as a time: the plugin uses this layout, which takes 0 to 9
// fraction digits. Such a text has no character that JSON escapes.
func isTimestamp(text string) bool {
	_, err := time.Parse(time.RFC3339Nano, text)
	return err == nil
}

// depth counts how deep a JSON text is nested: the outermost value is one level, and a scalar in the innermost value
// another. It looks only at the brackets outside of strings, so that it also counts in broken JSON.
func depth(text []byte) int {
	deepest, level := 0, 0
	for token := range jsonscan.Tokens(text) {
		switch token.Text[0] {
		case '{', '[':
			level++
			deepest = max(deepest, level)
		case '}', ']':
			level--
		}
	}
	return deepest + 1
}
