package jsonscan

// Sound reports whether a text is one JSON value, an object or an array. It takes hardly any memory, also for a text
// that is not sound. (A parser that works by recursion may make an error message of each level.)
func Sound(text []byte) bool {
	// The scanner notes the members of the object in the first bracket. There are two that no text closes, so it notes
	// none.
	outside := []byte{0, 0}
	s := scanner{object: &Object{text: text, open: outside}, text: text}
	if !s.skipSpace() || s.text[s.at] != '{' && s.text[s.at] != '[' {
		return false
	}
	err := s.readValue()
	for err == nil && len(s.object.open) > len(outside) {
		err = s.readNext()
	}
	return err == nil && !s.skipSpace()
}
