package jsonscan

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
)

// stringEnd is the place behind the string that begins at start, -1 where it has no end.
func StringEnd(text []byte, start int) int {
	for i := start + 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return -1
}

// The two ways in which a text fails to be a JSON object.
var (
	// errCut: all that is there is sound, but it ends before the object does.
	ErrCut = errors.New("the text ends in the middle of a JSON object")
	// errBroken: no JSON object begins like this.
	errBroken = errors.New("the text is no JSON object")
)

// jsonScan is the shape of a JSON object's text, read without limit to its depth and so far as
// it goes. Like Falco's parser it takes anything for the inside of a string, and digits, dots and
// signs in any order for a number.
type JsonScan struct {
	Text []byte
	// members are the object's own ones that are whole, in their order.
	Members []jsonMember
	// kept is the end of the longest part that holds whole values only, and what opens them; open
	// are the brackets that close this part, the outermost first.
	kept int
	open []byte

	at      int
	empty   bool // whether nothing stands in the innermost object or array yet
	current jsonMember
}

// jsonMember is one member of an object, by where it stands in the text.
type jsonMember struct {
	Key   string // unescaped
	start int    // of the key
	Value int    // where the value starts
	End   int    // of the value
}

// scanObject reads the text of an object. With errCut the scan says how far it went.
func ScanObject(text []byte) (*JsonScan, error) {
	s := &JsonScan{Text: text}
	if !s.more() || text[s.at] != '{' {
		return s, errBroken
	}
	err := s.readValue()
	for err == nil && len(s.open) > 0 {
		err = s.readNext()
	}
	if err == nil && s.more() {
		return s, errBroken
	}
	return s, err
}

// member returns the object's first member with a key: of several, Falco sees the first.
func (s *JsonScan) Member(key string) (jsonMember, bool) {
	for _, m := range s.Members {
		if m.Key == key {
			return m, true
		}
	}
	return jsonMember{}, false
}

// valueOf returns the text of that member's value, nil where there is none.
func (s *JsonScan) ValueOf(key string) []byte {
	m, found := s.Member(key)
	if !found {
		return nil
	}
	return s.Text[m.Value:m.End]
}

// more skips white space and says whether anything follows.
func (s *JsonScan) more() bool {
	for s.at < len(s.Text) {
		switch s.Text[s.at] {
		case ' ', '\t', '\r', '\n':
			s.at++
		default:
			return true
		}
	}
	return false
}

// readNext reads the next member or element with the comma before it, or the closing bracket.
func (s *JsonScan) readNext() error {
	if !s.more() {
		return ErrCut
	}
	closing := s.open[len(s.open)-1]
	switch {
	case s.Text[s.at] == closing:
		s.at++
		s.open = s.open[:len(s.open)-1]
		s.keep()
		return nil
	case s.empty:
	case s.Text[s.at] == ',':
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

// readKey reads a member's key and the colon behind it.
func (s *JsonScan) readKey() error {
	if !s.more() {
		return ErrCut
	}
	start := s.at
	if s.Text[start] != '"' {
		return errBroken
	}
	if err := s.readString(); err != nil {
		return err
	}
	if len(s.open) == 1 {
		s.current = jsonMember{Key: unquote(s.Text[start:s.at]), start: start}
	}
	if !s.more() {
		return ErrCut
	}
	if s.Text[s.at] != ':' {
		return errBroken
	}
	s.at++
	return nil
}

// readValue reads a scalar, or the bracket that opens an object or array.
func (s *JsonScan) readValue() error {
	if !s.more() {
		return ErrCut
	}
	if len(s.open) == 1 {
		s.current.Value = s.at
	}
	var err error
	switch s.Text[s.at] {
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
		s.keep()
	}
	return err
}

func (s *JsonScan) enter(closing byte) {
	s.at++
	s.open = append(s.open, closing)
	s.empty = true
	s.kept = s.at
}

// keep notes that a value is whole.
func (s *JsonScan) keep() {
	s.empty = false
	s.kept = s.at
	if len(s.open) == 1 {
		s.current.End = s.at
		s.Members = append(s.Members, s.current)
	}
}

func (s *JsonScan) readString() error {
	end := StringEnd(s.Text, s.at)
	if end < 0 {
		return ErrCut
	}
	s.at = end
	return nil
}

// readWord reads a number or one of the literals. A number at the end of the text counts as cut,
// since its next digit may be missing.
func (s *JsonScan) readWord() error {
	end := s.at
	for end < len(s.Text) && !endsWord(s.Text[end]) {
		end++
	}
	word, last := s.Text[s.at:end], end == len(s.Text)
	whole, begun := literal(word)
	switch {
	case whole, !last && number(word):
		s.at = end
		return nil
	case last && (begun || number(word)):
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

// literal says whether a word is one of JSON's literals, or the beginning of one.
func literal(word []byte) (whole, begun bool) {
	for _, known := range []string{"true", "false", "null"} {
		if string(word) == known {
			return true, true
		}
		if strings.HasPrefix(known, string(word)) {
			return false, true
		}
	}
	return false, false
}

func number(word []byte) bool {
	if len(word) == 0 || word[0] != '-' && (word[0] < '0' || word[0] > '9') {
		return false
	}
	return len(bytes.Trim(word, "0123456789.eE+-")) == 0
}

// unquote returns what a JSON string says; one that cannot be read is taken as it is written.
func unquote(quoted []byte) string {
	var text string
	if bytes.IndexByte(quoted, '\\') < 0 || json.Unmarshal(quoted, &text) != nil {
		return string(quoted[1 : len(quoted)-1])
	}
	return text
}
