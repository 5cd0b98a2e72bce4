package printable

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestWhatATerminalWouldObeyIsEscaped(t *testing.T) {
	for text, want := range map[string]string{
		"plain, ä, 日本":         "plain, ä, 日本",
		"\x1b[31mred\x1b[0m":   `\u001b[31mred\u001b[0m`,
		"a\nb\tc":              "a\nb" + `\u0009c`,
		"right\u202eto left":   `right\u202eto left`,
		"\U000e0041 a tag":     `\udb40\udc41 a tag`,
		"a C1 byte \x9b alone": "a C1 byte \ufffd alone",
	} {
		assert.Equal(t, want, Escape(text, "\n"))
	}
}
