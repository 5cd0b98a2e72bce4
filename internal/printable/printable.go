// Package printable makes text from other people safe for a terminal.
package printable

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Escape replaces characters that are not printable by their escapes in JSON, except those in allowed. It replaces
// bytes that are not UTF-8 by U+FFFD. A line of JSON has such characters only in strings, so its meaning stays the
// same.
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
