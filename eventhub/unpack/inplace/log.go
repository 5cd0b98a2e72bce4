package inplace

import ()

// span is where something stands in an audit event.
type Span struct{ From, To int }

// logScan reads the audit event in the string "log" of a record: it undoes the string's escapes and
// checks the event, both at once and in place, since what it writes is never longer than what it
// has read. It knows strict JSON only and gives up on whatever is unusual, which is then left to
// the parser; so what it takes, the parser takes as well.
//
// What stands in the body as {\"kind\":\"Event\",…}\n becomes {"kind":"Event",…}.
type logScan struct {
	text []byte
	// at is what is read next, out where the next byte is written.
	at, out int
	found   AuditFields
}

// auditFields is what has to be known of an audit event, as it stands in the text.
type AuditFields struct {
	Kind, AuditID, StageTimestamp []byte
	// annotations is where the value of these stands in the event.
	Annotations Span
}

// quickDepth is how deep the quick way goes. Real events have less than 30 levels.
const MaxDepth = 100

// scanLog reads the event in the string whose content starts at an index of the text. It returns the
// event, with all that the string leaves behind it as its capacity, and where the string ended.
func ScanLog(text []byte, start int) (event []byte, found AuditFields, end int, ok bool) {
	s := logScan{text: text, at: start, out: start}
	if s.token() != '{' {
		return nil, found, 0, false
	}
	begin := s.out
	if !s.object(1) {
		return nil, found, 0, false
	}
	behind := s.out
	if s.token() != endOfLog {
		return nil, found, 0, false
	}
	if s.found.Annotations.To > 0 {
		s.found.Annotations.From -= begin
		s.found.Annotations.To -= begin
	}
	return text[begin:behind:s.at], s.found, s.at, true
}

// What token returns for the end of the string, and for what is not known. Neither begins a token.
const (
	endOfLog byte = 1
	Unknown  byte = 0
)

// token passes over white space and returns the first byte of what follows, as it is meant: a
// quote for an escaped one.
func (s *logScan) token() byte {
	if s.at+1 < len(s.text) {
		c := s.text[s.at]
		if c == '\\' && s.text[s.at+1] == '"' {
			return '"'
		}
		if c >= ',' && c != '\\' {
			return c
		}
	}
	return s.tokenBehindSpace()
}

// tokenBehindSpace is token where that is not to be seen at once.
func (s *logScan) tokenBehindSpace() byte {
	for s.at+1 < len(s.text) {
		c, size := s.text[s.at], 1
		switch c {
		case '"':
			return endOfLog
		case '\\':
			c, size = unescaped(s.text[s.at+1]), 2
		case '\n', '\t', '\r':
			return Unknown // a string has no such byte
		}
		switch c {
		case ' ', '\n', '\t', '\r':
			s.text[s.out] = c
			s.at, s.out = s.at+size, s.out+1
		default:
			return c
		}
	}
	return Unknown
}

// take passes a token of one byte on.
func (s *logScan) take() {
	s.text[s.out] = s.text[s.at]
	s.at, s.out = s.at+1, s.out+1
}

func (s *logScan) value(level int) bool {
	switch s.token() {
	case '{':
		return s.object(level + 1)
	case '[':
		return s.array(level + 1)
	case '"':
		_, ok := s.str()
		return ok
	default:
		return s.word()
	}
}

// object reads an object, from its opening bracket.
func (s *logScan) object(level int) bool {
	if level > MaxDepth {
		return false
	}
	s.take()
	if s.token() == '}' {
		s.take()
		return true
	}
	for s.token() == '"' {
		key, ok := s.str()
		if !ok || s.token() != ':' {
			return false
		}
		s.take()
		if level > 1 {
			ok = s.value(level)
		} else {
			ok = key != nil && s.member(key)
		}
		if !ok {
			return false
		}
		switch s.token() {
		case ',':
			s.take()
		case '}':
			s.take()
			return true
		default:
			return false
		}
	}
	return false
}

// member reads the value of one of the event's own members. Of two with the same key the first
// counts, as it does to the parser.
func (s *logScan) member(key []byte) bool {
	var field *[]byte
	switch string(key) {
	case "kind":
		field = &s.found.Kind
	case "auditID":
		field = &s.found.AuditID
	case "stageTimestamp":
		field = &s.found.StageTimestamp
	case "annotations":
		return s.annotations()
	default:
		return s.value(1)
	}
	if *field != nil || s.token() != '"' {
		return false
	}
	var ok bool
	*field, ok = s.str()
	return ok && *field != nil
}

func (s *logScan) annotations() bool {
	from := s.out
	if !s.value(1) {
		return false
	}
	if s.found.Annotations.To == 0 {
		s.found.Annotations = Span{From: from, To: s.out}
	}
	return true
}

func (s *logScan) array(level int) bool {
	if level > MaxDepth {
		return false
	}
	s.take()
	if s.token() == ']' {
		s.take()
		return true
	}
	for s.value(level) {
		switch s.token() {
		case ',':
			s.take()
		case ']':
			s.take()
			return true
		default:
			return false
		}
	}
	return false
}
