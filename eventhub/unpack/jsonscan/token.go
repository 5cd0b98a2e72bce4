package jsonscan

import "iter"

// Token is a bracket or a string of a JSON text.
type Token struct {
	// Text is the bracket, or the string with its quotes.
	Text []byte
	// IsKey is true if the token is a string and a colon follows it.
	IsKey bool
}

// Tokens yields the brackets and strings of text in their order, and ignores all other bytes. It accepts any text,
// even broken JSON. It stops at a string that has no end.
func Tokens(text []byte) iter.Seq[Token] {
	return func(yield func(Token) bool) {
		for at := 0; at < len(text); at++ {
			token := Token{Text: text[at : at+1]}
			switch text[at] {
			case '{', '}', '[', ']':
			case '"':
				end := stringEnd(text, at)
				if end < 0 {
					return
				}
				token = Token{Text: text[at:end], IsKey: beginsWithColon(text[end:])}
				at = end - 1
			default:
				continue
			}
			if !yield(token) {
				return
			}
		}
	}
}

// beginsWithColon reports whether text begins with a colon, after any white space.
func beginsWithColon(text []byte) bool {
	at := spaceEnd(text, 0)
	return at < len(text) && text[at] == ':'
}

// spaceEnd returns the offset after the white space that begins at start.
func spaceEnd(text []byte, start int) int {
	for start < len(text) {
		switch text[start] {
		case ' ', '\t', '\r', '\n':
			start++
		default:
			return start
		}
	}
	return start
}

// stringEnd returns the offset after the string whose opening quote is at start, or -1 if the string has no end.
func stringEnd(text []byte, start int) int {
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
