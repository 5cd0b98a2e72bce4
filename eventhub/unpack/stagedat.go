package unpack

import (
	"time"

	"aks-audit-log-go/eventhub/unpack/jsonscan"
)

// StagedAt returns when the API server wrote an audit event: its stageTimestamp, or its requestReceivedTimestamp if
// it has no stageTimestamp. It returns the zero time if that is not a time. StagedAt is called for each POST, so it
// scans the text only up to the time, and allocates nothing.
func StagedAt(event []byte) (staged time.Time) {
	level := 0
	var key []byte // the quoted key of the event's own member that was read last
	for token := range jsonscan.Tokens(event) {
		switch token.Text[0] {
		case '{', '[':
			level++
			key = nil
		case '}', ']':
			level--
		default:
			if level != 1 {
				continue
			}
			if token.IsKey {
				key = token.Text
				continue
			}
			switch string(key) {
			case `"stageTimestamp"`:
				return readTime(token.Text)
			case `"requestReceivedTimestamp"`:
				staged = readTime(token.Text)
			}
			key = nil
		}
	}
	return staged
}

// readTime returns the time in a JSON string, or the zero time if the string holds none.
func readTime(quoted []byte) time.Time {
	var t time.Time
	if t.UnmarshalText(quoted[1:len(quoted)-1]) != nil {
		return time.Time{}
	}
	return t
}
