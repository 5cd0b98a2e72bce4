package unpack

import (
	"time"

	"aks-audit-log-go/forwarder/audit"
)

// What Falco's k8saudit plugin takes, measured of a real one (docs/design.md). It answers 200
// before it parses, so what it cannot use would be lost without a word: it is not sent.
//
// falcoMaxDepth is how deep an audit event may be nested, itself and the innermost scalar
// counted: the parser's 300 levels less the two of an EventList around it.
const falcoMaxDepth = 298

// checkAudit returns the auditID of an audit event that Falco can use, or the reason why it
// could not.
func (u *Unpacker) CheckAudit(log []byte) (auditID, reason string) {
	if depth(log) > falcoMaxDepth {
		return "", audit.ReasonTooDeep
	}
	event, err := u.log.ParseBytes(log)
	if err != nil {
		return "", audit.ReasonNotJSON
	}
	if string(event.GetStringBytes("kind")) != "Event" {
		return "", audit.ReasonNotAnAuditEvent
	}
	if !isTimestamp(string(event.GetStringBytes("stageTimestamp"))) {
		return "", audit.ReasonNoStageTimestamp
	}
	// The plugin counts the bytes without white space between tokens.
	if len(log) > u.MaxEventSize && len(event.MarshalTo(nil)) > u.MaxEventSize {
		return "", audit.ReasonTooLarge
	}
	return string(event.GetStringBytes("auditID")), ""
}

// isTimestamp says whether Falco's plugin takes text as a time: it uses this layout, which takes 0
// to 9 fraction digits. Such a text has no character that JSON escapes.
func isTimestamp(text string) bool {
	_, err := time.Parse(time.RFC3339Nano, text)
	return err == nil
}

// depth counts how deep a JSON text is nested: the outermost value and a scalar in the
// innermost one are a level each. It looks only at brackets outside of strings, so that it
// answers for broken JSON as well.
func depth(text []byte) int {
	deepest, level := 0, 0
	inString := false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			level++
			deepest = max(deepest, level)
		case c == '}' || c == ']':
			level--
		}
	}
	return deepest + 1
}
