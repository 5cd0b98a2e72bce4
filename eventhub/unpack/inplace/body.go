package inplace

import "bytes"

// maxDepth is how many levels of objects and arrays the envelope and an audit event may have. Real events have fewer
// than 30 levels.
const maxDepth = 100

// Body reads the envelope of a hub event from its start to its end. After a method has returned false, the Body must
// not be used any more.
type Body struct {
	text []byte
	// at is the offset of the next byte to read.
	at int
	// level is how many objects and arrays are open at the next byte.
	level int
	// values is how many values were read, without those in strings.
	values int
}

// NewBody returns a reader of text.
func NewBody(text []byte) Body { return Body{text: text} }

// Values returns how many objects, arrays, members and elements were read, without those in strings.
func (b *Body) Values() int { return b.values }

// token skips white space and returns the next byte, or none at the end of the text.
func (b *Body) token() byte {
	for b.at < len(b.text) {
		switch c := b.text[b.at]; c {
		case ' ', '\n', '\t', '\r':
			b.at++
		default:
			return c
		}
	}
	return none
}

// AtEnd reports whether only white space is left.
func (b *Body) AtEnd() bool { return b.token() == none && b.at == len(b.text) }

// Members reads an object, and calls member with the key of each member. member has to read the value. The key is nil
// if it contains an escape.
func (b *Body) Members(member func(key []byte) bool) bool {
	if b.token() != '{' {
		return false
	}
	b.at++
	b.level++
	b.values++
	if b.token() == '}' {
		b.leave()
		return true
	}
	for b.token() == '"' {
		key, ok := b.readString()
		if !ok || b.token() != ':' {
			return false
		}
		b.at++
		if !member(key) {
			return false
		}
		switch b.token() {
		case ',':
			b.at++
			b.values++
		case '}':
			b.leave()
			return true
		default:
			return false
		}
	}
	return false
}

// Elements reads an array, and calls element for each value. element has to read the value.
func (b *Body) Elements(element func() bool) bool {
	if b.token() != '[' {
		return false
	}
	b.at++
	b.level++
	b.values++
	if b.token() == ']' {
		b.leave()
		return true
	}
	for element() {
		switch b.token() {
		case ',':
			b.at++
			b.values++
		case ']':
			b.leave()
			return true
		default:
			return false
		}
	}
	return false
}

// leave reads a closing bracket.
func (b *Body) leave() {
	b.at++
	b.level--
}

// Skip reads any value.
func (b *Body) Skip() bool {
	switch b.token() {
	case '"':
		_, ok := b.readString()
		return ok
	case '{':
		return b.level < maxDepth && b.Members(func([]byte) bool { return b.Skip() })
	case '[':
		return b.level < maxDepth && b.Elements(func() bool { return b.Skip() })
	default:
		size := wordSize(b.text[b.at:])
		b.at += size
		return size > 0
	}
}

// PlainString reads a string without escapes, and returns its content as a part of the text. It rejects other values.
func (b *Body) PlainString() (content []byte, ok bool) {
	if b.token() != '"' {
		return nil, false
	}
	content, ok = b.readString()
	return content, ok && content != nil
}

// StringStart returns the offset of the content of the next value, which must be a string. It does not read the
// string.
func (b *Body) StringStart() (start int, ok bool) {
	if b.token() != '"' {
		return 0, false
	}
	return b.at + 1, true
}

// ReadLog reads the audit event in a string. start is the offset of the string's content, from StringStart. Skip may
// read the string before or after ReadLog.
func (b *Body) ReadLog(start int) (event AuditEvent, ok bool) {
	event, end, ok := readLog(b.text, start)
	b.at = max(b.at, end+1)
	return event, ok
}

// readString reads a string from its opening quote, and returns the text between the quotes. If that text has an
// escape, it returns nil and true.
func (b *Body) readString() (content []byte, ok bool) {
	start := b.at + 1
	size := bytes.IndexByte(b.text[start:], '"')
	if size < 0 {
		return nil, false
	}
	content = b.text[start : start+size : start+size]
	if bytes.IndexByte(content, '\\') >= 0 {
		return nil, b.skipEscaped(start)
	}
	b.at = start + size + 1
	return content, true
}

// skipEscaped reads a string with escapes. at is the offset of its content.
func (b *Body) skipEscaped(at int) bool {
	for at < len(b.text) {
		switch b.text[at] {
		case '"':
			b.at = at + 1
			return true
		case '\\':
			size := escapeSize(b.text[at:])
			if size == 0 {
				return false
			}
			at += size
		default:
			at++
		}
	}
	return false
}

// escapeSize returns the length of the escape at the start of text, or 0 if there is none.
func escapeSize(text []byte) int {
	if len(text) < 2 {
		return 0
	}
	switch text[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if _, ok := hex4(text[2:]); ok {
			return 6
		}
	}
	return 0
}
