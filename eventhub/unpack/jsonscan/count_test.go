package jsonscan

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/valyala/fastjson"
)

// countedTexts are texts with the number of their values.
func countedTexts() map[string]int {
	return map[string]int{
		``: 0, `1`: 0, `[1,2,3]`: 3, `{"a":[{},{}],"b":"c"}`: 6, `{"a,[{":"b,\",[","c":"\\"},[`: 4, `"a,`: 0, `"a\`: 0, ` [ [ , ] ] `: 3,
		`["\\\"",","]`: 2, `"\\",`: 1, `[]`: 1,
	}
}

func TestValuesAreCountedOutsideOfStrings(t *testing.T) {
	for text, want := range countedTexts() {
		assert.Equal(t, want, Values([]byte(text), -1), text)
		for size := 1; size <= len(text); size++ {
			var c Counter
			for rest := text; rest != ""; {
				piece := rest[:min(size, len(rest))]
				c.Add([]byte(piece))
				rest = rest[len(piece):]
			}
			assert.Equal(t, want, c.Values, "%s in pieces of %d", text, size)
		}
	}
}

func TestFewValuesAreCountedRoughly(t *testing.T) {
	text := []byte(`{"a":",,,,","b":[1,2,3]}`)
	assert.Equal(t, len(text), Values(text, len(text)))
	assert.Equal(t, 9, Values(text, 9))
	assert.Equal(t, 5, Values(text, 8))
}

func TestTheCompactSizeLeavesOutTheSpaceBetweenTokens(t *testing.T) {
	for text, want := range map[string]int{``: 0, ` `: 0, ` { "a b" : [ 1 , 2 ] } `: 13, `{"a":" x`: 8, "1\n": 1} {
		assert.Equal(t, want, CompactSize([]byte(text)), text)
	}
}

func TestATextIsSoundIfItIsOneObjectOrArray(t *testing.T) {
	for text, want := range map[string]bool{
		`{}`: true, ` [ ] `: true, `[1,{"a":[true,-1.5e+3]},"x"]`: true, strings.Repeat("[", 9999) + strings.Repeat("]", 9999): true,
		``: false, `1`: false, `"a"`: false, `[`: false, `[]]`: false, `[}`: false, `{]`: false, `[1,]`: false, `[-]`: false, `[x]`: false,
		`{"a"}`: false, `{"a":}`: false, `[] []`: false, `["a]`: false, "\x00": false, "[\x00": false,
	} {
		assert.Equal(t, want, Sound([]byte(text)), text)
	}
}

func TestAKeyIsComparedWithoutItsEscapes(t *testing.T) {
	for written, want := range map[string]string{
		`a`: "a", `\u0061\u0062`: "ab", `\"\\\/\b\f\n\r\t`: "\"\\/\b\f\n\r\t", `\u00e9`: `\u00e9`, `a\x`: `a\x`, `\u00g0`: `\u00g0`, `\u00`: `\u00`, `é`: "é",
		strings.Repeat(`\u0061`, 100): strings.Repeat("a", 100),
	} {
		assert.Equal(t, want, Unquote([]byte(`"`+written+`"`)))
	}
}

// FuzzSound checks that Falco's parser accepts what is sound, and finds no more values than are counted.
func FuzzSound(f *testing.F) {
	for text := range countedTexts() {
		f.Add([]byte(text))
	}
	f.Add([]byte(`[nan,-inf,-,+1,1e,"\x"]`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var parser fastjson.Parser
		parsed, err := parser.ParseBytes(text)
		deep := err != nil && strings.Contains(err.Error(), "too big depth")
		if Sound(text) {
			require.True(t, err == nil || deep, "%v", err)
		}
		if json.Valid(text) && (text[0] == '{' || text[0] == '[') {
			require.True(t, Sound(text))
		}
		marshalled := []byte(nil)
		if err == nil {
			marshalled = parsed.MarshalTo(nil) // before Visit, which undoes the escapes of keys
			require.LessOrEqual(t, valuesIn(parsed), Values(text, -1)+1)
		}
		if json.Valid(text) {
			require.LessOrEqual(t, CompactSize(text), len(text))
			require.Len(t, marshalled, CompactSize(text))
		}
	})
}

// valuesIn returns how many values a value is made of.
func valuesIn(value *fastjson.Value) int {
	count := 1
	for _, element := range value.GetArray() {
		count += valuesIn(element)
	}
	value.GetObject().Visit(func(_ []byte, member *fastjson.Value) { count += valuesIn(member) })
	return count
}
