package unpack

import (
	"time"

	"aks-audit-log-go/eventhub/unpack/jsonscan"
)

// StagedAt returns when the API server wrote an audit event: its stageTimestamp, or its requestReceivedTimestamp if it
// has no stageTimestamp. It returns the zero time if that is not a time. StagedAt scans the text of the event up to the
// time and allocates nothing, because it is called for each POST.
func StagedAt(event []byte) (staged time.Time) {
	level := 0
	var key []byte // that of the member of the event itself that was read last, with its quotes
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

// readTime returns the time in a JSON string, zero if that holds no time.
func readTime(quoted []byte) time.Time {
	var t time.Time
	if t.UnmarshalText(quoted[1:len(quoted)-1]) != nil {
		return time.Time{}
	}
	return t
}
