package jsonscan

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestTokensAreTheBracketsAndTheWholeStringsOfAnyText(t *testing.T) {
	for text, want := range map[string][]string{
		``:                          nil,
		`{"a": [1, "b"]}`:           {"{", `"a":`, "[", `"b"`, "]", "}"},
		`]}x"a" ` + "\n\t" + `:"b"`: {"]", "}", `"a":`, `"b"`},
		`"}\"[" "a\\" "cut\"`:       {`"}\"["`, `"a\\"`},
		`["a":["b\`:                 {"[", `"a":`, "["},
	} {
		var got []string
		for token := range Tokens([]byte(text)) {
			colon := ""
			if token.IsKey {
				colon = ":"
			}
			got = append(got, string(token.Text)+colon)
		}
		assert.Equal(t, want, got, text)
	}
}

func TestTokensStopWhenTheCallerDoes(t *testing.T) {
	for token := range Tokens([]byte(`{"a":1}`)) {
		assert.Equal(t, "{", string(token.Text))
		break
	}
}
