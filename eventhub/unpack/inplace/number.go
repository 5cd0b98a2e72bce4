package inplace

import ()

// word reads a number or a literal.
func (s *logScan) word() bool {
	size := wordSize(s.text[s.at:])
	if size == 0 {
		return false
	}
	s.out += copy(s.text[s.out:], s.text[s.at:s.at+size])
	s.at += size
	return true
}

// wordSize is the length of the number or literal that a text begins with, 0 where there is none.
func wordSize(text []byte) int {
	size := 0
	for size < len(text) && (text[size] >= 'a' && text[size] <= 'z' || text[size] >= '0' && text[size] <= '9' ||
		text[size] == '-' || text[size] == '+' || text[size] == '.' || text[size] == 'E') {
		size++
	}
	switch string(text[:size]) {
	case "true", "false", "null":
		return size
	}
	if !soundNumber(text[:size]) {
		return 0
	}
	return size
}

// soundNumber says whether all of a text is a number as JSON has it.
func soundNumber(text []byte) bool {
	if len(text) > 0 && text[0] == '-' {
		text = text[1:]
	}
	whole := Digits(text)
	if whole == 0 || whole > 1 && text[0] == '0' {
		return false
	}
	text = text[whole:]
	if len(text) > 0 && text[0] == '.' {
		fraction := Digits(text[1:])
		if fraction == 0 {
			return false
		}
		text = text[1+fraction:]
	}
	if len(text) == 0 {
		return true
	}
	if text[0] != 'e' && text[0] != 'E' {
		return false
	}
	text = text[1:]
	if len(text) > 0 && (text[0] == '+' || text[0] == '-') {
		text = text[1:]
	}
	return len(text) > 0 && Digits(text) == len(text)
}

// digits is how many digits a text begins with.
func Digits(text []byte) int {
	n := 0
	for n < len(text) && text[n] >= '0' && text[n] <= '9' {
		n++
	}
	return n
}
