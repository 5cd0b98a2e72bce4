package jsonscan

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"unicode/utf8"
)

var (
	// ErrCut says that the text is valid JSON so far, but ends before the object ends.
	ErrCut = errors.New("the text ends in the middle of a JSON object")
	// errBroken says that the text is not the beginning of a JSON object.
	errBroken = errors.New("the text is no JSON object")
)

// Object is the text of a JSON object with the places of its members.
type Object struct {
	text []byte
	// members are the whole members of the object itself, in their order.
	members []member
	// wholeEnd is the end of the longest part of text that holds only whole values and opening brackets.
	wholeEnd int
	// open are the brackets that close this part, the outermost first. It is empty if the object is whole.
	open []byte
	// current is the member that was read last. If open holds more than one bracket, the text was cut inside this
	// member.
	current member
}

// member is a member of an object, by its place in the text.
type member struct {
	key string // unescaped
	// start is the offset of the key's opening quote.
	start int
	// value and end are the offsets at which the value starts and ends.
	value, end int
}

// ScanObject reads the text of an object. If it returns ErrCut, it also returns the object as far as the text goes.
func ScanObject(text []byte) (*Object, error) {
	s := scanner{object: &Object{text: text}, text: text}
	return s.object, s.scan()
}

// Text returns the text of the object with all edits.
func (o *Object) Text() []byte { return o.text }

// Has reports whether the object has a whole member with the key.
func (o *Object) Has(key string) bool { return o.find(key) != nil }

// ValueOf returns the text of the value of the object's first member with the key, or nil if there is none. Falco
// also uses the first of several members with the same key.
func (o *Object) ValueOf(key string) []byte {
	m := o.find(key)
	if m == nil {
		return nil
	}
	return o.text[m.value:m.end]
}

// ObjectOf returns the object in the first member with the key, or an empty object if the value is not an object.
func (o *Object) ObjectOf(key string) *Object {
	inner, err := ScanObject(o.ValueOf(key))
	if err != nil {
		inner, _ = ScanObject([]byte("{}"))
	}
	return inner
}

// StringOf returns the content of the string in the first member with the key, or "" if the value is not a valid JSON
// string.
func (o *Object) StringOf(key string) string {
	var content string
	if json.Unmarshal(o.ValueOf(key), &content) != nil {
		return ""
	}
	return content
}

// find returns the object's first member with the key, or nil if there is none.
func (o *Object) find(key string) *member {
	for i := range o.members {
		if o.members[i].key == key {
			return &o.members[i]
		}
	}
	return nil
}

// Unquote returns the content of a key's JSON string. If an escape is invalid or does not mean an ASCII character, it
// returns the content as it is written: no key that callers look for has such an escape. It allocates only its
// result, because an object may have 100,000 keys.
func Unquote(quoted []byte) string {
	content := quoted[1 : len(quoted)-1]
	if bytes.IndexByte(content, '\\') < 0 {
		return string(content)
	}
	var short [64]byte
	unescaped := short[:0]
	for rest := content; len(rest) > 0; {
		c, size := character(rest)
		if size == 0 {
			return string(content)
		}
		unescaped, rest = append(unescaped, c), rest[size:]
	}
	return string(unescaped)
}

// escapes are the letters that may follow a backslash, and meanings are the characters that they mean, in the same
// order.
const escapes, meanings = `"\/bfnrt`, "\"\\/\b\f\n\r\t"

// character returns the first character of a JSON string's content, and the number of bytes that it is written with.
// size is 0 for an escape that is invalid or does not mean an ASCII character.
func character(text []byte) (c byte, size int) {
	if text[0] != '\\' {
		return text[0], 1
	}
	if len(text) < 2 {
		return 0, 0
	}
	if i := strings.IndexByte(escapes, text[1]); i >= 0 {
		return meanings[i], 2
	}
	var code [1]byte
	if len(text) < 6 || text[1] != 'u' || text[2] != '0' || text[3] != '0' {
		return 0, 0
	}
	if _, err := hex.Decode(code[:], text[4:6]); err != nil || code[0] >= utf8.RuneSelf {
		return 0, 0
	}
	return code[0], 6
}
