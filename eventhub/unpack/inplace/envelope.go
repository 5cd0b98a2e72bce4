package inplace

import (
	"bytes"
)

// bodyScan reads the envelope of a hub event. It knows strict JSON only and gives up on whatever is
// unusual, as logScan does.
type BodyScan struct {
	Text []byte
	At   int
}

// token passes over white space and returns the first byte of what follows.
func (s *BodyScan) Token() byte {
	for s.At < len(s.Text) {
		switch c := s.Text[s.At]; c {
		case ' ', '\n', '\t', '\r':
			s.At++
		default:
			return c
		}
	}
	return Unknown
}

// members reads an object and calls member for the value of each of its members, which has to read
// it.
func (s *BodyScan) Members(member func(key []byte) bool) bool {
	if s.Token() != '{' {
		return false
	}
	s.At++
	if s.Token() == '}' {
		s.At++
		return true
	}
	for s.Token() == '"' {
		key, sound := s.Str()
		if !sound || s.Token() != ':' {
			return false
		}
		s.At++
		if !member(key) {
			return false
		}
		switch s.Token() {
		case ',':
			s.At++
		case '}':
			s.At++
			return true
		default:
			return false
		}
	}
	return false
}

// elements reads an array and calls element for each of its values, which has to read it.
func (s *BodyScan) Elements(element func() bool) bool {
	if s.Token() != '[' {
		return false
	}
	s.At++
	if s.Token() == ']' {
		s.At++
		return true
	}
	for element() {
		switch s.Token() {
		case ',':
			s.At++
		case ']':
			s.At++
			return true
		default:
			return false
		}
	}
	return false
}

// skip reads any value. level is how many objects and arrays it stands in.
func (s *BodyScan) Skip(level int) bool {
	switch s.Token() {
	case '"':
		_, ok := s.Str()
		return ok
	case '{':
		return level < MaxDepth && s.Members(func([]byte) bool { return s.Skip(level + 1) })
	case '[':
		return level < MaxDepth && s.Elements(func() bool { return s.Skip(level + 1) })
	default:
		size := wordSize(s.Text[s.At:])
		s.At += size
		return size > 0
	}
}

// str reads a string, from its quote, and returns what stands between the quotes; nil, and true,
// where that has an escape in it.
func (s *BodyScan) Str() (content []byte, ok bool) {
	start := s.At + 1
	size := bytes.IndexByte(s.Text[start:], '"')
	if size < 0 {
		return nil, false
	}
	content = s.Text[start : start+size : start+size]
	if bytes.IndexByte(content, '\\') >= 0 {
		return nil, s.escapedString(start)
	}
	s.At = start + size + 1
	return content, true
}

// escapedString passes over a string with escapes, whose content starts at an index.
func (s *BodyScan) escapedString(at int) bool {
	for at < len(s.Text) {
		switch s.Text[at] {
		case '"':
			s.At = at + 1
			return true
		case '\\':
			size := escapeSize(s.Text[at:])
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
