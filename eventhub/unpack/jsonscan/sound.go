package jsonscan

// Sound reports whether a text is one JSON object or array. It takes hardly any memory, even if the text is broken.
// (A recursive parser may make an error message for each level.)
func Sound(text []byte) bool {
	// The scanner notes the members of the object at the first open bracket. The two brackets here are never closed,
	// so it notes no members.
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
