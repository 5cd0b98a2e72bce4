package unpack

import (
	"time"

	"aks-audit-log-go/eventhub/unpack/jsonscan"
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
