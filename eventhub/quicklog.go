package eventhub

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

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
	found   auditFields
}

// auditFields is what has to be known of an audit event, as it stands in the text.
type auditFields struct {
	kind, auditID, stageTimestamp []byte
	// annotations is where the value of these stands in the event.
	annotations span
}

// quickDepth is how deep the quick way goes. Real events have less than 30 levels.
const quickDepth = 100

// scanLog reads the event in the string whose content starts at an index of the text. It returns the
// event, with all that the string leaves behind it as its capacity, and where the string ended.
func scanLog(text []byte, start int) (event []byte, found auditFields, end int, ok bool) {
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
	if s.found.annotations.to > 0 {
		s.found.annotations.from -= begin
		s.found.annotations.to -= begin
	}
	return text[begin:behind:s.at], s.found, s.at, true
}

// What token returns for the end of the string, and for what is not known. Neither begins a token.
const (
	endOfLog byte = 1
	unknown  byte = 0
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
			return unknown // a string has no such byte
		}
		switch c {
		case ' ', '\n', '\t', '\r':
			s.text[s.out] = c
			s.at, s.out = s.at+size, s.out+1
		default:
			return c
		}
	}
	return unknown
}

// unescaped is what a backslash and a letter stand for between tokens; unknown for all else.
func unescaped(letter byte) byte {
	switch letter {
	case '"':
		return '"'
	case 'n':
		return '\n'
	case 't':
		return '\t'
	case 'r':
		return '\r'
	default:
		return unknown
	}
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
	if level > quickDepth {
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
		field = &s.found.kind
	case "auditID":
		field = &s.found.auditID
	case "stageTimestamp":
		field = &s.found.stageTimestamp
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
	if s.found.annotations.to == 0 {
		s.found.annotations = span{from: from, to: s.out}
	}
	return true
}

func (s *logScan) array(level int) bool {
	if level > quickDepth {
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

// str reads a string, from its quote, and returns what stands between the quotes; nil, and true,
// where that has an escape in it.
func (s *logScan) str() (content []byte, ok bool) {
	text, at, out := s.text, s.at+2, s.out+1
	text[s.out] = '"'
	start, escapes := out, false
	for at+8 < len(text) { // a string that ends the body ends nothing else, and is not whole
		eight := binary.LittleEndian.Uint64(text[at:])
		n := ordinary(eight)
		if n == 8 {
			binary.LittleEndian.PutUint64(text[out:], eight)
			at, out = at+8, out+8
			continue
		}
		if at-out >= 8 { // the bytes behind the n come to stand where nothing is read any more
			binary.LittleEndian.PutUint64(text[out:], eight)
		} else {
			copy(text[out:], text[at:at+n])
		}
		at, out = at+n, out+n
		if text[at] != '\\' {
			return nil, false
		}
		if text[at+1] == '"' {
			text[out] = '"'
			s.at, s.out = at+2, out+1
			if escapes {
				return nil, true
			}
			return text[start:out:out], true
		}
		s.at, s.out = at, out
		if !s.escape() {
			return nil, false
		}
		at, out, escapes = s.at, s.out, true
	}
	return nil, false
}

// ordinary is how many of eight bytes, the lowest first, stand for themselves in a string: neither
// quote nor backslash nor control character.
func ordinary(eight uint64) int {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	quote, backslash := eight^(ones*'"'), eight^(ones*'\\')
	// In x - ones, the top bit of the lowest byte of x that is 0 is set, and of none before it
	// that was not set in x; so it is with what is below a space.
	special := ((quote-ones)&^quote | (backslash-ones)&^backslash | (eight-ones*' ')&^eight) & tops
	return bits.TrailingZeros64(special) / 8
}

// escape undoes an escape in a string of the event, from its backslash.
func (s *logScan) escape() bool {
	if s.at+6 >= len(s.text) {
		return false // the record cannot end so soon
	}
	switch s.text[s.at+1] {
	case '/':
		s.write(2, '/')
		return true
	case 'u':
		return s.character()
	case '\\':
		return s.innerEscape()
	default:
		return false
	}
}

func (s *logScan) write(size int, what ...byte) {
	s.out += copy(s.text[s.out:], what)
	s.at += size
}

// character undoes an escape like \u003c of the string "log".
func (s *logScan) character() bool {
	c, ok := hex4(s.text[s.at+2:])
	if !ok || c < ' ' || c == '"' || c == '\\' || !utf8.ValidRune(c) {
		return false
	}
	s.out += utf8.EncodeRune(s.text[s.out:s.at+6], c)
	s.at += 6
	return true
}

// innerEscape passes on an escape of the event itself, whose backslash is escaped: \\n, \\u003c,
// or, with both of its characters escaped, \\\" and \\\\.
func (s *logScan) innerEscape() bool {
	switch c := s.text[s.at+2]; c {
	case '/', 'b', 'f', 'n', 'r', 't':
		s.write(3, '\\', c)
		return true
	case '\\':
		second := s.text[s.at+3]
		s.write(4, '\\', second)
		return second == '"' || second == '\\'
	case 'u':
		if _, ok := hex4(s.text[s.at+3:]); !ok {
			return false
		}
		s.out += copy(s.text[s.out:], s.text[s.at+1:s.at+7])
		s.at += 7
		return true
	default:
		return false
	}
}

// hex4 reads four hexadecimal digits.
func hex4(text []byte) (value rune, ok bool) {
	if len(text) < 4 {
		return 0, false
	}
	for _, c := range text[:4] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		value = value<<4 | rune(c)
	}
	return value, true
}

// word reads a number or a literal.
func (s *logScan) word() bool {
	size := wordSize(s.text[s.at:])
	if size == 0 {
		return false
	}
	s.out += copy(s.text[s.out:], s.text[s.at:s.at+size])
	s.at += size
	return true
}

// wordSize is the length of the number or literal that a text begins with, 0 where there is none.
func wordSize(text []byte) int {
	size := 0
	for size < len(text) && (text[size] >= 'a' && text[size] <= 'z' || text[size] >= '0' && text[size] <= '9' ||
		text[size] == '-' || text[size] == '+' || text[size] == '.' || text[size] == 'E') {
		size++
	}
	switch string(text[:size]) {
	case "true", "false", "null":
		return size
	}
	if !soundNumber(text[:size]) {
		return 0
	}
	return size
}

// soundNumber says whether all of a text is a number as JSON has it.
func soundNumber(text []byte) bool {
	if len(text) > 0 && text[0] == '-' {
		text = text[1:]
	}
	whole := digits(text)
	if whole == 0 || whole > 1 && text[0] == '0' {
		return false
	}
	text = text[whole:]
	if len(text) > 0 && text[0] == '.' {
		fraction := digits(text[1:])
		if fraction == 0 {
			return false
		}
		text = text[1+fraction:]
	}
	if len(text) == 0 {
		return true
	}
	if text[0] != 'e' && text[0] != 'E' {
		return false
	}
	text = text[1:]
	if len(text) > 0 && (text[0] == '+' || text[0] == '-') {
		text = text[1:]
	}
	return len(text) > 0 && digits(text) == len(text)
}

// digits is how many digits a text begins with.
func digits(text []byte) int {
	n := 0
	for n < len(text) && text[n] >= '0' && text[n] <= '9' {
		n++
	}
	return n
}
