package eventhub

import "slices"

// These change the text of a scanned JSON object, in a copy, and leave every byte of it alone that
// they are not about.

// closed returns of an object that was cut the longest part of whole values, with the brackets that
// are owed.
func (s *jsonScan) closed() *jsonScan {
	text := slices.Clone(s.text[:s.kept])
	for _, closing := range slices.Backward(s.open) {
		text = append(text, closing)
	}
	whole := &jsonScan{text: text, members: slices.Clone(s.members), kept: len(text)}
	if len(s.open) > 1 { // it was cut inside of a member, which is whole now
		last := s.current
		last.end = len(text) - 1
		whole.members = append(whole.members, last)
	}
	return whole
}

// set gives the object's first member of that key another value, or adds it at the end where there
// is none. The value is JSON.
func (s *jsonScan) set(key, value string) {
	at := slices.IndexFunc(s.members, func(m jsonMember) bool { return m.key == key })
	if at < 0 {
		s.add(key, value)
		return
	}
	changed := &s.members[at]
	more := len(value) - (changed.end - changed.value)
	s.text = slices.Concat(s.text[:changed.value], []byte(value), s.text[changed.end:])
	changed.end += more
	for i := range s.members[at+1:] {
		later := &s.members[at+1+i]
		later.start, later.value, later.end = later.start+more, later.value+more, later.end+more
	}
	s.kept += more
}

func (s *jsonScan) add(key, value string) {
	before := ""
	if len(s.members) > 0 {
		before = ","
	}
	name := `"` + key + `":`
	start := s.kept - 1 + len(before) // where the closing bracket stood
	s.text = slices.Concat(s.text[:s.kept-1], []byte(before+name+value), s.text[s.kept-1:])
	added := jsonMember{key: key, start: start, value: start + len(name), end: start + len(name) + len(value)}
	s.members = append(s.members, added)
	s.kept = added.end + 1
}

// without returns the object's text without its members of that key.
func (s *jsonScan) without(key string) []byte {
	if _, found := s.member(key); !found {
		return s.text
	}
	rest := append(make([]byte, 0, len(s.text)), s.text[:s.members[0].start]...)
	separator := ""
	for _, m := range s.members {
		if m.key != key {
			rest = append(append(rest, separator...), s.text[m.start:m.end]...)
			separator = ","
		}
	}
	return append(rest, s.text[s.members[len(s.members)-1].end:]...)
}
