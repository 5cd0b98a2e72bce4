package shapes

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/valyala/fastjson"
)

const event = `{"kind":"Event","apiVersion":"audit.k8s.io/v1","auditID":"a","stage":"Panic"}`

func quoted(text string) string {
	written, err := json.Marshal(text)
	if err != nil {
		panic(err) // every string has JSON
	}
	return string(written)
}

func sound(text []byte) bool { return fastjson.ValidateBytes(text) == nil }

func split(body string) []string {
	var parts []string
	for _, part := range Split([]byte(body), sound) {
		parts = append(parts, string(part))
	}
	return parts
}

func TestABodyIsTrimmed(t *testing.T) {
	for body, want := range map[string]string{
		"": "", " \r\n\t\x00": "", "\ufeff": "", "\x00\ufeff \n{} \x00\n\x00": "{}", "\ufeff{}": "{}",
	} {
		assert.Equal(t, want, string(Trim([]byte(body))), "%q", body)
	}
}

func TestABodyIsSplitIntoItsValues(t *testing.T) {
	for body, want := range map[string][]string{
		`{"a":1}{"b":2}`:                            {`{"a":1}`, `{"b":2}`},
		"{\"a\":1}\n[2]\r\n\"x\"":                   {`{"a":1}`, `[2]`, `"x"`},
		`[{"a":1},{"b":},{"c":3}]`:                  {`{"a":1}`, `{"b":}`, `{"c":3}`},
		`{"x":1,"records":[{"a":1},{"b":},2],"y":}`: {`{"a":1}`, `{"b":}`, `2`},
		`{"records":[{"a":1},{"b":"`:                {`{"a":1}`, `{"b":"`},
		`{"records":[{"a":1}`:                       {`{"a":1}`},
		`{"records":[{"a":1},`:                      {`{"a":1}`},
		`{"records":[`:                              nil,
		`{"records":{"a":}}`:                        {`{"records":{"a":}}`},
		`{"a":[{"b":1},{"c":}]}`:                    {`{"a":[{"b":1},{"c":}]}`},
		`{"a":'}],[',"b":"'"}{"c":1}`:               {`{"a":'}],[',"b":"'"}`, `{"c":1}`},
		`{"a":"it's"}{"b":"it's"}`:                  {`{"a":"it's"}`, `{"b":"it's"}`},
		"text {\"a\":1}":                            {"text {\"a\":1}"},
		"{\"a\":1} text {\"b\":2}":                  {`{"a":1}`, `text {"b":2}`},
		"{\"a\":\"x\n{\"b\":2}":                     {`{"a":"x`, `{"b":2}`},
		"{\"a\":\n{\"b\":2}}}":                      {"{\"a\":\n{\"b\":2}}", "}"},
	} {
		assert.Equal(t, want, split(body), body)
	}
}

// Bodies whose every value looks endless must not take time that grows with the square of their size.
func TestASplitTakesTimeByTheSizeOfTheBody(t *testing.T) {
	for name, part := range map[string]string{
		"open lines": "{\"\n", "open strings": "{'\":'},", "open objects": "{", "open arrays": "[", "values": "1,", "commas": ",", "records": `{"records":[`,
		"closed": "}]", "apostrophes": "'", "backslashes": `\"`, "names": "{\"a\":\n",
	} {
		t.Run(name, func(t *testing.T) {
			for _, before := range []string{"", "[", "{", `{"records":[`, `{"kind":"EventList","apiVersion":"audit.k8s.io/v1","items":[`} {
				body := []byte(before + strings.Repeat(part, 1<<17/len(part)))
				read := 0
				Split(body, func(text []byte) bool { read += len(text); return false })
				assert.LessOrEqual(t, read, 2*len(body))
				Find(body)
				Categories(body)
				Complete(body)
			}
		})
	}
}

func TestARecordThatWasCutIsCompletedUpToTheCut(t *testing.T) {
	record := `{"category":"kube-audit","properties":{"log":` + quoted(`{"a":"\\ \u00e9 \" ü"}`) + `,"pod":"p"},"time":"now"}`
	start := strings.Index(record, `"log":"`) + len(`"log":"`)
	var whole struct{ Properties struct{ Log string } }
	require.NoError(t, json.Unmarshal([]byte(record), &whole))
	for length := range record {
		completed := Complete([]byte(record[:length]))
		if length < start {
			assert.Nil(t, completed, record[:length])
			continue
		}
		var got struct{ Properties struct{ Log string } }
		require.NoError(t, json.Unmarshal(completed, &got), "%s", completed)
		assert.True(t, strings.HasPrefix(whole.Properties.Log, strings.TrimRight(got.Properties.Log, "\ufffd")), "%s", completed)
	}
	assert.Nil(t, Complete([]byte(record)))
	assert.Nil(t, Complete([]byte(`{"properties":{"log":}`)))
	for text, want := range map[string]string{`"a\`: `"a`, `"a\\`: `"a\\`, `"a\u12`: `"a`, `"a\u1234`: `"a\u1234`, `"a\\u12`: `"a\\u12`, `"a\n`: `"a\n`, `"\u`: `"`} {
		assert.Equal(t, want, string(withoutHalfEscape([]byte(text))), text)
	}
}

func TestABrokenTextTellsItsCategories(t *testing.T) {
	assert.Equal(t, []string{"a", "b", "d"}, Categories([]byte(`{"category":"a",'x','properties':{"category" : "b","c":"category"},"category":"d": oops`)))
	assert.True(t, NamesAuditEvents([]byte(`{"apiVersion":"audit.k8s.io/v1`)))
	assert.False(t, NamesAuditEvents([]byte(`{"apiVersion":"v1"`)))
}

func TestOnlyACutAuditEventIsOne(t *testing.T) {
	cut := strings.TrimSuffix(event, "}")
	assert.True(t, IsCutEvent([]byte(cut)))
	for _, text := range []string{event, cut + ",", cut + `,"category":"x"`, cut + `,"stream":"x"`, `{"kind":"Event"`, `[`, cut + "x"} {
		assert.Equal(t, text == cut+",", IsCutEvent([]byte(text)), text)
	}
}

func TestASearchEndsThreeStringsDeep(t *testing.T) {
	text := event
	for depth := range 5 {
		assert.Len(t, Find([]byte(text)), map[bool]int{true: 1}[depth <= maxStrings], "%d strings", depth)
		text = `{"x":` + quoted(text) + "}"
	}
}

// contentOf returns a JSON value without the way in which its strings are written.
func contentOf(value *fastjson.Value) any {
	switch value.Type() {
	case fastjson.TypeString:
		return string(value.GetStringBytes())
	case fastjson.TypeArray:
		var elements []any
		for _, element := range value.GetArray() {
			elements = append(elements, contentOf(element))
		}
		return elements
	case fastjson.TypeObject:
		var members []any
		value.GetObject().Visit(func(key []byte, member *fastjson.Value) {
			members = append(members, string(key), contentOf(member))
		})
		return members
	default:
		return value.String()
	}
}

// FuzzShapes checks for any text that what is found is part of it, that parts are, too, and that the records of a body
// are those of another parser.
func FuzzShapes(f *testing.F) {
	for _, text := range []string{
		event, `{"records":[` + event + `,{"a":}]}`, `[{"x":` + quoted(event) + `},1,"` + `"]`, "\ufeff" + event + "\n" + event,
		`{"Type":"AKSAudit","AuditId":"a","Annotations":"{}"}`, `{"kind":"EventList","apiVersion":"audit.k8s.io/v1","items":[{"auditID":"b"`,
		`{"category":"x",'y':'\'}'}`, "\x00{\"a\":\"\n{",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		before := bytes.Clone(text)
		for _, found := range Find(text) {
			require.NotEmpty(t, found.Text)
			Rebuild(found.Text)
		}
		at := 0
		for _, part := range Split(text, sound) {
			require.NotEmpty(t, part)
			inner := bytes.TrimPrefix(part, []byte(`{"kind":"Event",`)) // of an item that was completed
			if !bytes.Equal(inner, part) {
				continue
			}
			next := bytes.Index(text[at:], part)
			require.GreaterOrEqual(t, next, 0, "the parts stand in the text, in their order")
			at += next + len(part)
		}
		Categories(text)
		Complete(text)
		MemberNames(Trim(text))
		require.Equal(t, before, text)
		body := Trim(text)
		value, err := fastjson.ParseBytes(body)
		if err != nil {
			return
		}
		records := value
		if inside := value.Get("records"); inside != nil {
			records = inside
		}
		want := []*fastjson.Value{records}
		if records.Type() == fastjson.TypeArray {
			want = records.GetArray()
		}
		texts := Records(body)
		require.Len(t, texts, len(want))
		for i := range want {
			got, err := fastjson.ParseBytes(texts[i])
			require.NoError(t, err)
			require.Equal(t, contentOf(want[i]), contentOf(got))
		}
	})
}
