package inplace

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// unescaped returns the byte that a backslash and a letter mean between tokens, or none for other letters.
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
		return none
	}
}

// str reads a string from its opening quote, and returns the text between the quotes. If that text has an escape, it
// returns nil and true.
func (r *logReader) str() (content []byte, ok bool) {
	text, at, out := r.text, r.at+2, r.out+1
	text[r.out] = '"'
	start, escapes := out, false
	for at+8 < len(text) { // a string that ends later leaves no room for the closing brackets
		eight := binary.LittleEndian.Uint64(text[at:])
		n := ordinary(eight)
		if n == 8 {
			binary.LittleEndian.PutUint64(text[out:], eight)
			at, out = at+8, out+8
			continue
		}
		if at-out >= 8 { // the bytes after the first n are written where all bytes have been read
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
			r.at, r.out = at+2, out+1
			if escapes {
				return nil, true
			}
			return text[start:out:out], true
		}
		r.at, r.out = at, out
		if !r.escape() {
			return nil, false
		}
		at, out, escapes = r.at, r.out, true
	}
	return nil, false
}

// ordinary returns how many of eight bytes, from the lowest, are ordinary in a string: not a quote, backslash or
// control character.
func ordinary(eight uint64) int {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	quote, backslash := eight^(ones*'"'), eight^(ones*'\\')
	// x - ones sets the top bit of the lowest byte of x that is 0. In the bytes before it, it sets the top bit only
	// where x has it. x - ones*' ' does the same for the lowest byte below a space.
	special := ((quote-ones)&^quote | (backslash-ones)&^backslash | (eight-ones*' ')&^eight) & tops
	return bits.TrailingZeros64(special) / 8
}

// escape reads an escape in a string of the event, from its backslash, and writes its meaning.
func (r *logReader) escape() bool {
	if r.at+6 >= len(r.text) {
		return false // a record needs more bytes after an escape
	}
	switch r.text[r.at+1] {
	case '/':
		r.write(2, '/')
		return true
	case 'u':
		return r.character()
	case '\\':
		return r.innerEscape()
	default:
		return false
	}
}

// write reads size bytes and writes out in their place.
func (r *logReader) write(size int, out ...byte) {
	r.out += copy(r.text[r.out:], out)
	r.at += size
}

// character reads an escape like \u003c of the string "log".
func (r *logReader) character() bool {
	c, ok := hex4(r.text[r.at+2:])
	if !ok || c < ' ' || c == '"' || c == '\\' || !utf8.ValidRune(c) {
		return false
	}
	r.out += utf8.EncodeRune(r.text[r.out:r.at+6], c)
	r.at += 6
	return true
}

// innerEscape reads an escape of the event itself, and writes it. Its backslash is escaped in "log": \\n, \\u003c. In
// \\\" and \\\\, both characters are escaped.
func (r *logReader) innerEscape() bool {
	switch c := r.text[r.at+2]; c {
	case '/', 'b', 'f', 'n', 'r', 't':
		r.write(3, '\\', c)
		return true
	case '\\':
		second := r.text[r.at+3]
		r.write(4, '\\', second)
		return second == '"' || second == '\\'
	case 'u':
		if _, ok := hex4(r.text[r.at+3:]); !ok {
			return false
		}
		r.out += copy(r.text[r.out:], r.text[r.at+1:r.at+7])
		r.at += 7
		return true
	default:
		return false
	}
}

// hex4 returns the value of the four hexadecimal digits at the start of text.
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
