// Package printable makes text that others wrote safe for a terminal.
package printable

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Escape replaces characters that are not printable, but for those in allowed, by their escapes in JSON, and bytes that
// are no UTF-8 by U+FFFD. In a line of JSON, which has such characters only in strings, that does not change what it
// says.
func Escape(text, allowed string) string {
	strange := func(char rune) bool { return !unicode.IsPrint(char) && !strings.ContainsRune(allowed, char) }
	if utf8.ValidString(text) && strings.IndexFunc(text, strange) < 0 {
		return text
	}
	var result strings.Builder
	for _, char := range text {
		switch {
		case !strange(char):
			result.WriteRune(char)
		case char > 0xffff:
			high, low := utf16.EncodeRune(char)
			fmt.Fprintf(&result, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&result, `\u%04x`, char)
		}
	}
	return result.String()
}
