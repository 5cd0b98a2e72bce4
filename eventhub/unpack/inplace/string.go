package inplace

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// unescaped is what a backslash and a letter stand for between tokens; unknown for all else.
func unescaped(letter byte) byte {
	switch letter {
	case '"':
		return '"'
	case 'n':
		return '\n'
	case 't':
		return '\t'
	case 'r':
		return '\r'
	default:
		return Unknown
	}
}

// str reads a string, from its quote, and returns what stands between the quotes; nil, and true,
// where that has an escape in it.
func (s *logScan) str() (content []byte, ok bool) {
	text, at, out := s.text, s.at+2, s.out+1
	text[s.out] = '"'
	start, escapes := out, false
	for at+8 < len(text) { // a string that ends the body ends nothing else, and is not whole
		eight := binary.LittleEndian.Uint64(text[at:])
		n := ordinary(eight)
		if n == 8 {
			binary.LittleEndian.PutUint64(text[out:], eight)
			at, out = at+8, out+8
			continue
		}
		if at-out >= 8 { // the bytes behind the n come to stand where nothing is read any more
			binary.LittleEndian.PutUint64(text[out:], eight)
		} else {
			copy(text[out:], text[at:at+n])
		}
		at, out = at+n, out+n
		if text[at] != '\\' {
			return nil, false
		}
		if text[at+1] == '"' {
			text[out] = '"'
			s.at, s.out = at+2, out+1
			if escapes {
				return nil, true
			}
			return text[start:out:out], true
		}
		s.at, s.out = at, out
		if !s.escape() {
			return nil, false
		}
		at, out, escapes = s.at, s.out, true
	}
	return nil, false
}

// ordinary is how many of eight bytes, the lowest first, stand for themselves in a string: neither
// quote nor backslash nor control character.
func ordinary(eight uint64) int {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	quote, backslash := eight^(ones*'"'), eight^(ones*'\\')
	// In x - ones, the top bit of the lowest byte of x that is 0 is set, and of none before it
	// that was not set in x; so it is with what is below a space.
	special := ((quote-ones)&^quote | (backslash-ones)&^backslash | (eight-ones*' ')&^eight) & tops
	return bits.TrailingZeros64(special) / 8
}

// escape undoes an escape in a string of the event, from its backslash.
func (s *logScan) escape() bool {
	if s.at+6 >= len(s.text) {
		return false // the record cannot end so soon
	}
	switch s.text[s.at+1] {
	case '/':
		s.write(2, '/')
		return true
	case 'u':
		return s.character()
	case '\\':
		return s.innerEscape()
	default:
		return false
	}
}

func (s *logScan) write(size int, what ...byte) {
	s.out += copy(s.text[s.out:], what)
	s.at += size
}

// character undoes an escape like \u003c of the string "log".
func (s *logScan) character() bool {
	c, ok := hex4(s.text[s.at+2:])
	if !ok || c < ' ' || c == '"' || c == '\\' || !utf8.ValidRune(c) {
		return false
	}
	s.out += utf8.EncodeRune(s.text[s.out:s.at+6], c)
	s.at += 6
	return true
}

// innerEscape passes on an escape of the event itself, whose backslash is escaped: \\n, \\u003c,
// or, with both of its characters escaped, \\\" and \\\\.
func (s *logScan) innerEscape() bool {
	switch c := s.text[s.at+2]; c {
	case '/', 'b', 'f', 'n', 'r', 't':
		s.write(3, '\\', c)
		return true
	case '\\':
		second := s.text[s.at+3]
		s.write(4, '\\', second)
		return second == '"' || second == '\\'
	case 'u':
		if _, ok := hex4(s.text[s.at+3:]); !ok {
			return false
		}
		s.out += copy(s.text[s.out:], s.text[s.at+1:s.at+7])
		s.at += 7
		return true
	default:
		return false
	}
}

// hex4 reads four hexadecimal digits.
func hex4(text []byte) (value rune, ok bool) {
	if len(text) < 4 {
		return 0, false
	}
	for _, c := range text[:4] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		value = value<<4 | rune(c)
	}
	return value, true
}
