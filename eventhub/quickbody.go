package eventhub

import "bytes"

// bodyScan reads the envelope of a hub event. It knows strict JSON only and gives up on whatever is
// unusual, as logScan does.
type bodyScan struct {
	text []byte
	at   int
}

// token passes over white space and returns the first byte of what follows.
func (s *bodyScan) token() byte {
	for s.at < len(s.text) {
		switch c := s.text[s.at]; c {
		case ' ', '\n', '\t', '\r':
			s.at++
		default:
			return c
		}
	}
	return unknown
}

// members reads an object and calls member for the value of each of its members, which has to read
// it.
func (s *bodyScan) members(member func(key []byte) bool) bool {
	if s.token() != '{' {
		return false
	}
	s.at++
	if s.token() == '}' {
		s.at++
		return true
	}
	for s.token() == '"' {
		key, sound := s.str()
		if !sound || s.token() != ':' {
			return false
		}
		s.at++
		if !member(key) {
			return false
		}
		switch s.token() {
		case ',':
			s.at++
		case '}':
			s.at++
			return true
		default:
			return false
		}
	}
	return false
}

// elements reads an array and calls element for each of its values, which has to read it.
func (s *bodyScan) elements(element func() bool) bool {
	if s.token() != '[' {
		return false
	}
	s.at++
	if s.token() == ']' {
		s.at++
		return true
	}
	for element() {
		switch s.token() {
		case ',':
			s.at++
		case ']':
			s.at++
			return true
		default:
			return false
		}
	}
	return false
}

// skip reads any value. level is how many objects and arrays it stands in.
func (s *bodyScan) skip(level int) bool {
	switch s.token() {
	case '"':
		_, ok := s.str()
		return ok
	case '{':
		return level < quickDepth && s.members(func([]byte) bool { return s.skip(level + 1) })
	case '[':
		return level < quickDepth && s.elements(func() bool { return s.skip(level + 1) })
	default:
		size := wordSize(s.text[s.at:])
		s.at += size
		return size > 0
	}
}

// str reads a string, from its quote, and returns what stands between the quotes; nil, and true,
// where that has an escape in it.
func (s *bodyScan) str() (content []byte, ok bool) {
	start := s.at + 1
	size := bytes.IndexByte(s.text[start:], '"')
	if size < 0 {
		return nil, false
	}
	content = s.text[start : start+size : start+size]
	if bytes.IndexByte(content, '\\') >= 0 {
		return nil, s.escapedString(start)
	}
	s.at = start + size + 1
	return content, true
}

// escapedString passes over a string with escapes, whose content starts at an index.
func (s *bodyScan) escapedString(at int) bool {
	for at < len(s.text) {
		switch s.text[at] {
		case '"':
			s.at = at + 1
			return true
		case '\\':
			size := escapeSize(s.text[at:])
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

// escapeSize is the length of the escape that a text begins with, 0 where it is none.
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
