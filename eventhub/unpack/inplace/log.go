package inplace

// AuditEvent is an audit event with the fields that the caller needs.
type AuditEvent struct {
	// JSON is the event. Its capacity reaches to the end of the string that the event was read from.
	JSON []byte
	// Kind, AuditID and StageTimestamp are the contents of these strings, nil if the event has none.
	Kind, AuditID, StageTimestamp []byte
	// Annotations is the place of the annotations' value in JSON, zero if the event has none.
	Annotations Span
}

// Span is a place in an audit event, perhaps with white space at its start.
type Span struct{ From, To int }

// logReader reads the audit event in the string "log" of a record: {\"kind\":\"Event\",…}\n becomes
// {"kind":"Event",…}. It undoes the escapes and checks the event in one pass. It can do so in place, because it never
// writes more bytes than it has read.
type logReader struct {
	text []byte
	// at is the offset of the next byte to read, out of the next byte to write.
	at, out int
	event   AuditEvent
}

// readLog reads the event in the string whose content begins at start. end is the offset at which the content ends.
func readLog(text []byte, start int) (event AuditEvent, end int, ok bool) {
	r := logReader{text: text, at: start, out: start}
	if r.token() != '{' {
		return event, 0, false
	}
	begin := r.out
	if !r.object(1) {
		return event, 0, false
	}
	after := r.out
	if r.token() != endOfLog {
		return event, 0, false
	}
	if r.event.Annotations.To > 0 {
		r.event.Annotations.From -= begin
		r.event.Annotations.To -= begin
	}
	r.event.JSON = text[begin:after:r.at]
	return r.event, r.at, true
}

// token returns these values at the end of the string, and for bytes that begin no token. A byte of the text cannot
// be mistaken for the end: token reads a backslash as the start of an escape, and none of its escapes means a
// backslash.
const (
	endOfLog byte = '\\'
	none     byte = 0
)

// token skips white space and returns the next byte without its escape: a quote for an escaped quote.
func (r *logReader) token() byte {
	if r.at+1 < len(r.text) {
		c := r.text[r.at]
		if c == '\\' && r.text[r.at+1] == '"' {
			return '"'
		}
		if c >= ',' && c != '\\' {
			return c
		}
	}
	return r.tokenAfterSpace()
}

// tokenAfterSpace is the slow part of token.
func (r *logReader) tokenAfterSpace() byte {
	for r.at+1 < len(r.text) {
		c, size := r.text[r.at], 1
		switch c {
		case '"':
			return endOfLog
		case '\\':
			c, size = unescaped(r.text[r.at+1]), 2
		case '\n', '\t', '\r':
			return none // a string has no such byte
		}
		switch c {
		case ' ', '\n', '\t', '\r':
			r.text[r.out] = c
			r.at, r.out = r.at+size, r.out+1
		default:
			return c
		}
	}
	return none
}

// take reads a token of one byte and writes it.
func (r *logReader) take() {
	r.text[r.out] = r.text[r.at]
	r.at, r.out = r.at+1, r.out+1
}

// value reads any value. level is how many objects and arrays are open around it.
func (r *logReader) value(level int) bool {
	switch r.token() {
	case '{':
		return r.object(level + 1)
	case '[':
		return r.array(level + 1)
	case '"':
		_, ok := r.str()
		return ok
	default:
		return r.word()
	}
}

// object reads an object from its opening bracket. level is its depth, the object itself counted.
func (r *logReader) object(level int) bool {
	if level > maxDepth {
		return false
	}
	r.take()
	if r.token() == '}' {
		r.take()
		return true
	}
	for r.token() == '"' {
		key, ok := r.str()
		if !ok || r.token() != ':' {
			return false
		}
		r.take()
		if level > 1 {
			ok = r.value(level)
		} else {
			ok = key != nil && r.member(key)
		}
		if !ok {
			return false
		}
		switch r.token() {
		case ',':
			r.take()
		case '}':
			r.take()
			return true
		default:
			return false
		}
	}
	return false
}

// member reads the value of one of the event's own members. If there are two members "annotations", it uses the
// first, as the general parser does. It rejects an event that has one of the other fields twice.
func (r *logReader) member(key []byte) bool {
	var field *[]byte
	switch string(key) {
	case "kind":
		field = &r.event.Kind
	case "auditID":
		field = &r.event.AuditID
	case "stageTimestamp":
		field = &r.event.StageTimestamp
	case "annotations":
		return r.annotations()
	default:
		return r.value(1)
	}
	if *field != nil || r.token() != '"' {
		return false
	}
	var ok bool
	*field, ok = r.str()
	return ok && *field != nil
}

// annotations reads the value of the annotations, and notes its place.
func (r *logReader) annotations() bool {
	from := r.out
	if !r.value(1) {
		return false
	}
	if r.event.Annotations.To == 0 {
		r.event.Annotations = Span{From: from, To: r.out}
	}
	return true
}

// array reads an array from its opening bracket.
func (r *logReader) array(level int) bool {
	if level > maxDepth {
		return false
	}
	r.take()
	if r.token() == ']' {
		r.take()
		return true
	}
	for r.value(level) {
		switch r.token() {
		case ',':
			r.take()
		case ']':
			r.take()
			return true
		default:
			return false
		}
	}
	return false
}
