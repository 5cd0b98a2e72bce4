package unpack

import (
	"time"

	"aks-audit-log-go/eventhub/unpack/jsonscan"
	"aks-audit-log-go/forwarder/audit"
)

// falcoMaxDepth is how many levels an audit event may have for Falco's k8saudit plugin. The event itself and the
// innermost scalar count as levels. The plugin's parser accepts 300 levels, and an EventList around the event takes
// two of them.
const falcoMaxDepth = 298

// Validator checks whether Falco's k8saudit plugin can use an event. Its rules were measured with a real plugin
// (docs/falco.md). The plugin answers 200 before it parses, and silently drops an event that it cannot use. Such an
// event must not be sent. Two goroutines must not use a Validator at once.
type Validator struct {
	// MaxEventSize is the largest audit event that the sink takes, in bytes.
	MaxEventSize int

	parser boundedParser
}

// Check returns the auditID of an audit event that Falco can use, or the reason why Falco cannot use it.
func (v *Validator) Check(event []byte) (auditID, reason string) {
	levels := depth(event)
	if levels > falcoMaxDepth {
		return "", audit.ReasonTooDeep
	}
	switch values := jsonscan.Values(event, largeValues); {
	case values > maxValues:
		return "", audit.ReasonTooManyValues
	case values > largeValues:
		return v.checkLarge(event)
	}
	parsed, err := v.parser.parse(event, levels)
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

// checkLarge is Check for an event of many values. It reads only the members that Check needs. It rejects NaN and
// Inf, which Falco's parser accepts but no API server writes.
func (v *Validator) checkLarge(event []byte) (auditID, reason string) {
	object, err := jsonscan.ScanObject(event)
	switch {
	case err == nil:
	case jsonscan.Sound(event): // an array
		return "", audit.ReasonNotAnAuditEvent
	default:
		return "", audit.ReasonNotJSON
	}
	switch {
	case v.content(object.ValueOf("kind")) != "Event":
		return "", audit.ReasonNotAnAuditEvent
	case !isTimestamp(v.content(object.ValueOf("stageTimestamp"))):
		return "", audit.ReasonNoStageTimestamp
	case len(event) > v.MaxEventSize && jsonscan.CompactSize(event) > v.MaxEventSize:
		return "", audit.ReasonTooLarge
	}
	return v.content(object.ValueOf("auditID")), ""
}

// content returns the content of a JSON string, "" for any other value.
func (v *Validator) content(value []byte) string {
	if len(value) == 0 || value[0] != '"' {
		return ""
	}
	parsed, err := v.parser.parse(value, 1)
	if err != nil {
		return ""
	}
	return string(parsed.GetStringBytes())
}

// isTimestamp reports whether Falco's plugin accepts text as a time. The plugin uses this layout, which accepts 0 to
// 9 fraction digits. Such a text has no character that JSON escapes.
func isTimestamp(text string) bool {
	_, err := time.Parse(time.RFC3339Nano, text)
	return err == nil
}

// depth returns the number of levels of a JSON text. The outermost value is one level, and a scalar in the innermost
// value is another. depth looks only at the brackets outside of strings, so it also works for broken JSON.
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
