package jsonscan

import "bytes"

// Counter counts the values of a JSON text that comes in pieces. It counts commas and opening brackets outside of
// strings; a JSON text has at most one value more than these.
type Counter struct {
	// Values is the count so far.
	Values int
	// inString is true if the next byte belongs to a string, and escaped if a backslash escapes that byte.
	inString, escaped bool
}

// Add counts the next piece of the text.
func (c *Counter) Add(piece []byte) {
	for len(piece) > 0 {
		if c.inString {
			piece = c.skipString(piece)
			continue
		}
		piece = c.countUntilQuote(piece)
	}
}

// countUntilQuote counts up to the next quote, and returns the text after that quote.
func (c *Counter) countUntilQuote(piece []byte) (rest []byte) {
	for i, b := range piece {
		switch b {
		case ',', '[', '{':
			c.Values++
		case '"':
			c.inString = true
			return piece[i+1:]
		}
	}
	return nil
}

// skipString skips the rest of a string, and returns the text after its closing quote.
func (c *Counter) skipString(piece []byte) (rest []byte) {
	if c.escaped {
		c.escaped = false
		return piece[1:]
	}
	quote := bytes.IndexByte(piece, '"')
	content := piece
	if quote >= 0 {
		content = piece[:quote]
	}
	c.escaped = backslashes(content)%2 == 1
	if quote < 0 {
		return nil
	}
	c.inString, c.escaped = c.escaped, false
	return piece[quote+1:]
}

// backslashes returns the number of backslashes at the end of text.
func backslashes(text []byte) int {
	return len(text) - len(bytes.TrimRight(text, `\`))
}

// Rough returns an upper bound of the number of values in a text and in the JSON texts in its strings. It runs at
// memory speed, because it counts inside of strings too. It does not count commas and brackets that are written like
// \u002c.
func Rough(text []byte) int {
	return bytes.Count(text, []byte{','}) + bytes.Count(text, []byte{'['}) + bytes.Count(text, []byte{'{'})
}

// Values returns how many values a Counter counts in a text, or a higher number that is at most enough. It costs
// nothing for a text too short to have more than enough, and little for a text with few commas and brackets.
func Values(text []byte, enough int) int {
	if len(text) <= enough {
		return len(text)
	}
	if rough := Rough(text); rough <= enough {
		return rough
	}
	var c Counter
	c.Add(text)
	return c.Values
}

// CompactSize returns the size of a JSON text without the white space between its tokens.
func CompactSize(text []byte) int {
	size := 0
	for at := spaceEnd(text, 0); at < len(text); at = spaceEnd(text, at) {
		end := at + 1
		if text[at] == '"' {
			end = stringEnd(text, at)
		}
		if end < 0 {
			return size + len(text) - at
		}
		size, at = size+end-at, end
	}
	return size
}
