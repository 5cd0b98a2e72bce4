package inplace

// word reads a number or a literal and writes it.
func (r *logReader) word() bool {
	size := wordSize(r.text[r.at:])
	if size == 0 {
		return false
	}
	r.out += copy(r.text[r.out:], r.text[r.at:r.at+size])
	r.at += size
	return true
}

// wordSize returns the length of the number or literal at the start of text, or 0 if there is neither.
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
	if !isNumber(text[:size]) {
		return 0
	}
	return size
}

// isNumber reports whether the whole text is a JSON number.
func isNumber(text []byte) bool {
	if len(text) > 0 && text[0] == '-' {
		text = text[1:]
	}
	whole := digits(text)
	if whole == 0 || whole > 1 && text[0] == '0' {
		return false
	}
	text = text[whole:]
	if len(text) > 0 && text[0] == '.' {
		fraction := digits(text[1:])
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
	return len(text) > 0 && digits(text) == len(text)
}

// digits returns the number of digits at the start of text.
func digits(text []byte) int {
	n := 0
	for n < len(text) && text[n] >= '0' && text[n] <= '9' {
		n++
	}
	return n
}
