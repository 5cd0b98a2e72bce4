package shapes

import (
	"bytes"
	"iter"

	"aks-audit-log-go/eventhub/unpack/jsonscan"

	"github.com/valyala/fastjson"
)

// space is what may be around a value: white space, and the NUL bytes with which a producer fills its buffer.
const space = " \t\r\n\x00"

var utf8BOM = []byte("\xef\xbb\xbf")

// Trim returns a body without its byte order mark, and without white space and NUL bytes around it.
func Trim(body []byte) []byte {
	return bytes.Trim(bytes.TrimPrefix(bytes.TrimLeft(body, space), utf8BOM), space)
}

// spaceEnd returns the offset after the white space and NUL bytes that begin at start.
func spaceEnd(text []byte, start int) int {
	for start < len(text) && isSpace(text[start]) {
		start++
	}
	return start
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == 0 }

// valueEnd returns the offset after the value that starts at start, or -1 if the value has no end.
//
// Some services write strings with apostrophes in place of quotes. valueEnd treats these as strings too, so that
// brackets in them do not count. This does not change where a JSON value ends, because JSON has apostrophes only in
// strings.
func valueEnd(text []byte, start int) int {
	level := 0
	for at := start; at < len(text); at++ {
		switch c := text[at]; c {
		case '"', '\'':
			end := stringEnd(text, at)
			if end < 0 {
				return -1
			}
			if level == 0 {
				return end
			}
			at = end - 1
		case '{', '[':
			level++
		case '}', ']':
			if level == 0 {
				return at // the end of a scalar in an object or array
			}
			if level--; level == 0 {
				return at + 1
			}
		case ',', ':', ' ', '\t', '\r', '\n', 0:
			if level == 0 {
				return at
			}
		}
	}
	if level > 0 {
		return -1
	}
	return len(text)
}

// stringEnd returns the offset after the string whose opening quote or apostrophe is at start, or -1 if the string has
// no end.
func stringEnd(text []byte, start int) int {
	quote := text[start]
	for i := start + 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case quote:
			return i + 1
		}
	}
	return -1
}

// members yields the members of an object in their order, each key without quotes and escapes. It stops where the
// text ends or is no longer JSON.
func members(object []byte) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		for at := spaceEnd(object, 1); at < len(object); at = spaceEnd(object, at+1) {
			key, start := keyAt(object, at)
			if start < 0 {
				return
			}
			end := valueEnd(object, start)
			if end <= start || !yield(key, object[start:end]) {
				return
			}
			if at = spaceEnd(object, end); at == len(object) || object[at] != ',' {
				return
			}
		}
	}
}

// keyAt returns the key that starts at an offset, and the offset of its value, or -1 if there is none.
func keyAt(text []byte, at int) (key string, value int) {
	if at >= len(text) || text[at] != '"' {
		return "", -1
	}
	end := stringEnd(text, at)
	if end < 0 {
		return "", -1
	}
	colon := spaceEnd(text, end)
	if colon == len(text) || text[colon] != ':' {
		return "", -1
	}
	if value = spaceEnd(text, colon+1); value == len(text) {
		return "", -1
	}
	return jsonscan.Unquote(text[at:end]), value
}

// elements yields the elements of an array in their order. It stops where the text ends or is no longer JSON.
func elements(array []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for at := spaceEnd(array, 1); at < len(array); at = spaceEnd(array, at+1) {
			end := valueEnd(array, at)
			if end <= at || !yield(array[at:end]) {
				return
			}
			if at = spaceEnd(array, end); at == len(array) || array[at] != ',' {
				return
			}
		}
	}
}

// Member returns the text of the value of an object's first member with the key, or nil if there is none.
func Member(object []byte, key string) []byte {
	if len(object) == 0 || object[0] != '{' {
		return nil
	}
	for name, value := range members(object) {
		if name == key {
			return value
		}
	}
	return nil
}

// Records returns the texts of the records in a JSON body: the elements of an array, the elements of the member
// "records", or the body itself.
func Records(body []byte) [][]byte {
	records := body
	if value := Member(body, "records"); value != nil {
		records = value
	}
	if records[0] != '[' {
		return [][]byte{records}
	}
	var texts [][]byte
	for element := range elements(records) {
		texts = append(texts, element)
	}
	return texts
}

// unquote returns the content of a JSON string, with the bytes that Falco's parser reads. It returns "" for any other
// text.
func unquote(quoted []byte) string {
	if len(quoted) < 2 || quoted[0] != '"' {
		return ""
	}
	if bytes.IndexByte(quoted, '\\') < 0 {
		return string(quoted[1 : len(quoted)-1])
	}
	value, err := fastjson.ParseBytes(quoted)
	if err != nil {
		return ""
	}
	return string(value.GetStringBytes())
}
