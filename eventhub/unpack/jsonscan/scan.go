package jsonscan

import (
	"bytes"
	"slices"
	"strings"
)

// scanner reads the text of an object once, and finds out how far it is valid JSON. It has a stack of its own in
// place of recursion. Like Falco's parser, it accepts any bytes in a string, and digits, points and signs in any
// order as a number.
type scanner struct {
	object *Object
	text   []byte
	// at is the offset of the next byte to read.
	at int
	// empty is true if the innermost object or array has no value yet.
	empty bool
}

// scan reads the object. Only white space may follow it.
func (s *scanner) scan() error {
	if !s.skipSpace() || s.text[s.at] != '{' {
		return errBroken
	}
	err := s.readValue()
	for err == nil && len(s.object.open) > 0 {
		err = s.readNext()
	}
	if err == nil && s.skipSpace() {
		return errBroken
	}
	return err
}

// skipSpace skips white space and reports whether anything follows it.
func (s *scanner) skipSpace() bool {
	s.at = spaceEnd(s.text, s.at)
	return s.at < len(s.text)
}

// readNext reads the next member or element and the comma before it, or the closing bracket.
func (s *scanner) readNext() error {
	if !s.skipSpace() {
		return ErrCut
	}
	open := s.object.open
	closing := open[len(open)-1]
	switch {
	case s.text[s.at] == closing:
		s.at++
		s.object.open = open[:len(open)-1]
		s.endValue()
		return nil
	case s.empty:
	case s.text[s.at] == ',':
		s.at++
	default:
		return errBroken
	}
	if closing == '}' {
		if err := s.readKey(); err != nil {
			return err
		}
	}
	return s.readValue()
}

// readKey reads the key of a member and the colon after it.
func (s *scanner) readKey() error {
	if !s.skipSpace() {
		return ErrCut
	}
	start := s.at
	if s.text[start] != '"' {
		return errBroken
	}
	if err := s.readString(); err != nil {
		return err
	}
	if s.inMember() {
		s.object.current = member{key: Unquote(s.text[start:s.at]), start: start}
	}
	if !s.skipSpace() {
		return ErrCut
	}
	if s.text[s.at] != ':' {
		return errBroken
	}
	s.at++
	return nil
}

// inMember reports whether the next key or value belongs to the object itself, and not to an object or array inside
// it.
func (s *scanner) inMember() bool { return len(s.object.open) == 1 }

// readValue reads a scalar, or the bracket that opens an object or array.
func (s *scanner) readValue() error {
	if !s.skipSpace() {
		return ErrCut
	}
	if s.inMember() {
		s.object.current.value = s.at
	}
	var err error
	switch s.text[s.at] {
	case '{':
		s.enter('}')
		return nil
	case '[':
		s.enter(']')
		return nil
	case '"':
		err = s.readString()
	default:
		err = s.readWord()
	}
	if err == nil {
		s.endValue()
	}
	return err
}

// enter reads an opening bracket and notes the bracket that will close it.
func (s *scanner) enter(closing byte) {
	s.at++
	s.object.open = append(s.object.open, closing)
	s.empty = true
	s.object.wholeEnd = s.at
}

// endValue notes that the value that ends here is whole.
func (s *scanner) endValue() {
	s.empty = false
	s.object.wholeEnd = s.at
	if s.inMember() {
		s.object.current.end = s.at
		if len(s.object.members) == cap(s.object.members) {
			// append alone would grow a long list by a quarter each time, and so allocate five times its size in all.
			s.object.members = slices.Grow(s.object.members, len(s.object.members)+8)
		}
		s.object.members = append(s.object.members, s.object.current)
	}
}

func (s *scanner) readString() error {
	end := stringEnd(s.text, s.at)
	if end < 0 {
		return ErrCut
	}
	s.at = end
	return nil
}

// readWord reads a number or a literal. A number at the end of the text counts as cut, because its next digit may be
// missing.
func (s *scanner) readWord() error {
	end := s.at
	for end < len(s.text) && !endsWord(s.text[end]) {
		end++
	}
	word, last := s.text[s.at:end], end == len(s.text)
	whole, begun := isLiteral(word)
	switch {
	case whole, !last && isNumber(word) && string(word) != "-":
		s.at = end
		return nil
	case last && (begun || isNumber(word)):
		return ErrCut
	default:
		return errBroken
	}
}

func endsWord(c byte) bool {
	switch c {
	case ' ', '\t', '\r', '\n', ',', ']', '}':
		return true
	}
	return false
}

// isLiteral reports whether word is true, false or null, or the beginning of one of them.
func isLiteral(word []byte) (whole, begun bool) {
	for _, literal := range []string{"true", "false", "null"} {
		if string(word) == literal {
			return true, true
		}
		if strings.HasPrefix(literal, string(word)) {
			return false, true
		}
	}
	return false, false
}

func isNumber(word []byte) bool {
	if len(word) == 0 || word[0] != '-' && (word[0] < '0' || word[0] > '9') {
		return false
	}
	return len(bytes.Trim(word, "0123456789.eE+-")) == 0
}
