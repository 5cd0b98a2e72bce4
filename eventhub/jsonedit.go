package eventhub

import "slices"

// These change the text of a JSON object and leave every byte of it alone that they are not about.
// A text that is no JSON object is returned as it is.

// withMember returns object with one more member at its end; the value is JSON.
func withMember(object []byte, key, value string) []byte {
	s, err := scanObject(object)
	if err != nil {
		return object
	}
	added := `"` + key + `":` + value
	if len(s.members) > 0 {
		added = "," + added
	}
	end := s.kept - 1 // the closing bracket
	return slices.Concat(object[:end], []byte(added), object[end:])
}

// withValue returns object with another value of its first member of that key, which is added
// where there is none.
func withValue(object []byte, key, value string) []byte {
	s, err := scanObject(object)
	if err != nil {
		return object
	}
	m, found := s.member(key)
	if !found {
		return withMember(object, key, value)
	}
	return slices.Concat(object[:m.value], []byte(value), object[m.end:])
}

// without returns object without its members of that key.
func without(object []byte, key string) []byte {
	s, err := scanObject(object)
	if _, found := s.member(key); err != nil || !found {
		return object
	}
	rest := append(make([]byte, 0, len(object)), object[:s.members[0].start]...)
	separator := ""
	for _, m := range s.members {
		if m.key != key {
			rest = append(append(rest, separator...), object[m.start:m.end]...)
			separator = ","
		}
	}
	return append(rest, object[s.members[len(s.members)-1].end:]...)
}
