package shapes

import (
	"strings"
	"unicode"
)

const (
	// maxNames is how many members MemberNames lists, and maxNameLength how many characters of each name.
	maxNames      = 20
	maxNameLength = 40
)

// MemberNames lists the names of a value's members for people. If the value is not an object, it says what the value
// is. It shows no values, because they may be secrets.
func MemberNames(value []byte) string {
	switch {
	case len(value) == 0:
		return "nothing"
	case value[0] == '[':
		return "an array"
	case value[0] == '"':
		return "a string"
	case value[0] != '{':
		return "a number or literal"
	}
	var names []string
	for key := range members(value) {
		if len(names) == maxNames {
			names = append(names, "…")
			break
		}
		names = append(names, Printable(key, maxNameLength))
	}
	if names == nil {
		return "no members"
	}
	return strings.Join(names, ", ")
}

// Printable makes a name safe for a terminal, and cuts it if it has more characters than most. The name may come from
// an attacker.
func Printable(name string, most int) string {
	runes := []rune(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, name))
	if len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return string(runes)
}
