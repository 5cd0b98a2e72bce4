package shapes

import (
	"bytes"
	"errors"
	"strings"

	"aks-audit-log-go/eventhub/unpack/jsonscan"
)

// maxRescans bounds how often the rest of a body is scanned without success for the end of a value.
const maxRescans = 8

// Split returns the parts of a body that is not one JSON value, in their order: the values of a body that holds
// several, or the elements of a broken or cut envelope. sound reports whether a text is JSON. Only a part that is not
// sound is broken, so only that part is lost.
//
// Split never looks for JSON inside a broken part. A part ends where its brackets are closed, or else at the end of
// the body.
func Split(body []byte, sound func(text []byte) bool) [][]byte {
	s := splitter{text: body, sound: sound, rescans: maxRescans}
	for s.at = spaceEnd(body, 0); s.at < len(body); s.at = spaceEnd(body, s.at) {
		s.next()
	}
	return s.parts
}

type splitter struct {
	text    []byte
	sound   func(text []byte) bool
	rescans int
	parts   [][]byte
	// at is the offset of the next byte to read.
	at int
	// itemsOf is the apiVersion of the EventList whose items are being read, nil outside of an EventList.
	itemsOf []byte
}

// next reads the next value of the body, or the broken text in its place.
func (s *splitter) next() {
	if bytes.HasPrefix(s.text[s.at:], utf8BOM) {
		s.at += len(utf8BOM)
		return
	}
	if !opens(s.text[s.at]) {
		s.rest() // text that may contain JSON, like a log line
		return
	}
	end := valueEnd(s.text, s.at)
	switch {
	case end >= 0 && s.sound(s.text[s.at:end]):
		s.add(end)
	case s.envelope(end), s.line(end < 0):
	case end < 0:
		s.rest()
	default:
		s.add(end)
	}
}

// add adds the part from at to end.
func (s *splitter) add(end int) {
	part := s.text[s.at:end]
	if s.itemsOf != nil {
		part = named(part, s.itemsOf)
	}
	s.parts = append(s.parts, part)
	s.at = end
}

func (s *splitter) rest() { s.add(len(s.text)) }

// line adds a cut line of a body that holds one object per line. It does not add a line that is broken in another
// way: if a sender does not escape newlines in strings, the next line may be text of other authors.
func (s *splitter) line(scannedAll bool) bool {
	line, next, more := bytes.Cut(s.text[s.at:], []byte("\n"))
	next = bytes.TrimLeft(next, space)
	if !more || s.rescans == 0 || len(next) == 0 || next[0] != '{' || !isCut(line) {
		return false
	}
	if scannedAll {
		s.rescans--
	}
	s.add(s.at + len(line))
	return true
}

// envelope adds the elements of a broken or cut envelope: an array, an object with the array "records", or an
// EventList. end is where the envelope ends, or -1 if it has no end.
func (s *splitter) envelope(end int) bool {
	text := s.text[s.at:]
	if end >= 0 {
		text = s.text[s.at:end]
	}
	array, itemsOf := arrayStart(text)
	if array < 0 {
		return false
	}
	s.at, s.itemsOf = spaceEnd(s.text, s.at+array+1), itemsOf
	whole := s.elements()
	s.itemsOf = nil
	if whole {
		s.leave(end, text[0] == '{')
	}
	return true
}

// elements adds the elements of an array up to its closing bracket. If an element has no end, elements adds the rest
// of the body and returns false.
func (s *splitter) elements() bool {
	for s.at < len(s.text) && s.text[s.at] != ']' {
		end := valueEnd(s.text, s.at)
		if end <= s.at {
			s.rest()
			return false
		}
		s.add(end)
		if s.at = spaceEnd(s.text, s.at); s.at == len(s.text) || s.text[s.at] == ']' {
			break
		}
		if s.text[s.at] != ',' {
			s.rest()
			return false
		}
		s.at = spaceEnd(s.text, s.at+1)
	}
	return true
}

// leave moves past an envelope whose array ends at the current offset.
func (s *splitter) leave(end int, object bool) {
	if end >= 0 {
		s.at = max(s.at, end)
		return
	}
	s.at = min(s.at+1, len(s.text)) // the array's own bracket
	if at := spaceEnd(s.text, s.at); object && at < len(s.text) && s.text[at] == '}' {
		s.at = at + 1
	}
}

// arrayStart returns the offset of the array in a broken or cut envelope, or -1 if there is none. For an EventList,
// it also returns the apiVersion.
func arrayStart(text []byte) (at int, itemsOf []byte) {
	if text[0] == '[' {
		return 0, nil
	}
	if text[0] != '{' {
		return -1, nil
	}
	kind, apiVersion := "", []byte(nil)
	for at = spaceEnd(text, 1); ; {
		key, start := keyAt(text, at)
		if start < 0 {
			return -1, nil
		}
		list := key == "items" && kind == "EventList" && strings.HasPrefix(unquote(apiVersion), group)
		if key == "records" || list {
			if text[start] != '[' {
				return -1, nil
			}
			if !list {
				apiVersion = nil
			}
			return start, apiVersion
		}
		end := valueEnd(text, start)
		if end <= start {
			return -1, nil
		}
		switch key {
		case "kind":
			kind = unquote(text[start:end])
		case "apiVersion":
			apiVersion = text[start:end]
		}
		if at = spaceEnd(text, end); at == len(text) || text[at] != ',' {
			return -1, nil
		}
		at = spaceEnd(text, at+1)
	}
}

// Categories returns all log categories that a broken text names, at any place.
func Categories(text []byte) []string {
	var names []string
	key := false
	for token := range jsonscan.Tokens(text) {
		if key && token.Text[0] == '"' {
			names = append(names, unquote(token.Text))
		}
		key = token.IsKey && unquote(token.Text) == "category"
	}
	return names
}

// NamesAuditEvents reports whether a broken text names the API group of audit events.
func NamesAuditEvents(text []byte) bool { return bytes.Contains(text, []byte("audit.k8s.io")) }

// IsCutEvent reports whether a text is an audit event that is valid JSON so far, but ends too early.
func IsCutEvent(text []byte) bool {
	if text[0] != '{' || !isCut(text) {
		return false
	}
	seen := look(text)
	return seen.category == "" && !seen.container && seen.isAuditEvent()
}

// Complete returns the part of a cut record that was whole before the cut, as valid JSON. If the cut was in the log,
// the log ends at the cut. Complete returns nil if the record is broken in another way.
func Complete(record []byte) []byte {
	cut, err := jsonscan.ScanObject(record)
	if !errors.Is(err, jsonscan.ErrCut) {
		return nil
	}
	whole := cut.Closed().Text()
	if hasLog(Member(whole, "properties")) {
		return whole
	}
	cut, err = jsonscan.ScanObject(append(bytes.Clone(withoutHalfEscape(record)), '"'))
	if !errors.Is(err, jsonscan.ErrCut) {
		return nil
	}
	closed := cut.Closed().Text()
	if hasLog(Member(closed, "properties")) {
		return closed
	}
	return nil
}

// withoutHalfEscape returns a text that was cut in a string, without the escape that the cut split in two.
func withoutHalfEscape(text []byte) []byte {
	const longest = len(`\u1234`)
	for at := len(text) - 1; at >= max(0, len(text)-longest+1); at-- {
		if text[at] != '\\' {
			continue
		}
		before := len(text[:at]) - len(bytes.TrimRight(text[:at], `\`))
		switch {
		case before%2 == 1: // this backslash is itself escaped
			return text
		case at == len(text)-1, text[at+1] == 'u':
			return text[:at]
		default:
			return text
		}
	}
	return text
}
