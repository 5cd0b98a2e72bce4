package shapes

import (
	"strings"
	"unicode"
)

const (
	// maxNames is how many members MemberNames names, and maxNameLength how many characters of each.
	maxNames      = 20
	maxNameLength = 40
)

// MemberNames names the members of a value for people, or says what the value is if it is not an object. It holds no
// values: they may be secrets.
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

// Printable makes a name safe for a terminal, and no longer than that many characters: it may come from an attacker.
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
