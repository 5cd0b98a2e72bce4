package jsonscan

import "bytes"

// Counter counts the values of a JSON text that comes in pieces: its commas and opening brackets, outside of strings.
// No JSON text has more values than that and one.
type Counter struct {
	// Values is the count so far.
	Values int
	// inString is whether the next byte belongs to a string, and escaped whether a backslash comes before that byte.
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

// countUntilQuote counts up to the next quote, and returns what follows that quote.
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

// skipString skips the rest of a string, and returns what follows its closing quote.
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

// backslashes returns how many backslashes stand at the end of text.
func backslashes(text []byte) int {
	return len(text) - len(bytes.TrimRight(text, `\`))
}

// Rough returns a number that is at least the number of values in a text and in the JSON texts in its strings, at
// memory speed: it also counts what stands in strings, but not commas and brackets that are written as \u002c.
func Rough(text []byte) int {
	return bytes.Count(text, []byte{','}) + bytes.Count(text, []byte{'['}) + bytes.Count(text, []byte{'{'})
}

// Values returns how many values a Counter counts in a text, or a higher number that is at most enough. It costs
// nothing for a text that is too short for more, and little for one that has few commas and brackets.
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
