package jsonscan

import (
	"slices"
)

// These change the text of a scanned JSON object, in a copy, and leave every byte of it alone that
// they are not about.

// closed returns of an object that was cut the longest part of whole values, with the brackets that
// are owed.
func (s *JsonScan) Closed() *JsonScan {
	text := slices.Clone(s.Text[:s.kept])
	for _, closing := range slices.Backward(s.open) {
		text = append(text, closing)
	}
	whole := &JsonScan{Text: text, Members: slices.Clone(s.Members), kept: len(text)}
	if len(s.open) > 1 { // it was cut inside of a member, which is whole now
		last := s.current
		last.End = len(text) - 1
		whole.Members = append(whole.Members, last)
	}
	return whole
}

// set gives the object's first member of that key another value, or adds it at the end where there
// is none. The value is JSON.
func (s *JsonScan) Set(key, value string) {
	at := slices.IndexFunc(s.Members, func(m jsonMember) bool { return m.Key == key })
	if at < 0 {
		s.add(key, value)
		return
	}
	changed := &s.Members[at]
	more := len(value) - (changed.End - changed.Value)
	s.Text = slices.Concat(s.Text[:changed.Value], []byte(value), s.Text[changed.End:])
	changed.End += more
	for i := range s.Members[at+1:] {
		later := &s.Members[at+1+i]
		later.start, later.Value, later.End = later.start+more, later.Value+more, later.End+more
	}
	s.kept += more
}

func (s *JsonScan) add(key, value string) {
	before := ""
	if len(s.Members) > 0 {
		before = ","
	}
	name := `"` + key + `":`
	start := s.kept - 1 + len(before) // where the closing bracket stood
	s.Text = slices.Concat(s.Text[:s.kept-1], []byte(before+name+value), s.Text[s.kept-1:])
	added := jsonMember{Key: key, start: start, Value: start + len(name), End: start + len(name) + len(value)}
	s.Members = append(s.Members, added)
	s.kept = added.End + 1
}

// without returns the object's text without its members of that key.
func (s *JsonScan) Without(key string) []byte {
	if _, found := s.Member(key); !found {
		return s.Text
	}
	rest := append(make([]byte, 0, len(s.Text)), s.Text[:s.Members[0].start]...)
	separator := ""
	for _, m := range s.Members {
		if m.Key != key {
			rest = append(append(rest, separator...), s.Text[m.start:m.End]...)
			separator = ","
		}
	}
	return append(rest, s.Text[s.Members[len(s.Members)-1].End:]...)
}
