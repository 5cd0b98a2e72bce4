package unpack

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"
)

const named = `{"kind":"Event","auditID":"a-1","verb":"create","user":{"username":"jörg","groups":["verb"],"extra":{"username":["x"]}},` +
	`"sourceIPs":["10.0.0.1"],"objectRef":{"resource":"secrets","namespace":"prod","name":"db"},` +
	`"requestObject":{"user":{"username":"other"},"verb":"no","auditID":"no","data":{"password":"hunter2"}},"auditID":"second"}`

func TestAnAuditEventIsNamedAsFarAsItCanBeRead(t *testing.T) {
	whole := EventIdentity{AuditID: "a-1", Verb: "create", User: "jörg", Resource: "secrets prod/db"}
	for name, test := range map[string]struct {
		text string
		want EventIdentity
	}{
		"whole":                       {named, whole},
		"cut in the request":          {named[:strings.Index(named, "hunter2")+3], whole},
		"cut in the name":             {named[:strings.Index(named, `db"`)+1], EventIdentity{AuditID: "a-1", Verb: "create", User: "jörg", Resource: "secrets prod"}},
		"cut in the user":             {named[:strings.Index(named, `rg",`)], EventIdentity{AuditID: "a-1", Verb: "create"}},
		"cut after a backslash":       {`{"auditID":"a\`, EventIdentity{}},
		"a single broken member":      {`{"auditID":"a","level":Metadata,"verb":"get"}`, EventIdentity{AuditID: "a", Verb: "get"}},
		"too many closing brackets":   {`}}]]{"auditID":"a"}`, EventIdentity{AuditID: "a"}},
		"white space":                 {"{\n \"auditID\" :\t\"a\" , \"verb\" : \"get\"\n}", EventIdentity{AuditID: "a", Verb: "get"}},
		"escapes":                     {`{"verb":"g\u0065t","user":{"username":"a\"b\\"}}`, EventIdentity{Verb: "get", User: `a"b\`}},
		"a bad escape":                {`{"verb":"\x","auditID":"a"}`, EventIdentity{AuditID: "a"}},
		"numbers in place of strings": {`{"verb":1,"auditID":{"a":"b"},"user":"root"}`, EventIdentity{}},
		"group and subresource": {`{"objectRef":{"resource":"deployments","subresource":"scale","apiGroup":"apps","name":"web"}}`,
			EventIdentity{Resource: "deployments.apps/scale web"}},
		"a record without a log": {`{"category":"kube-audit","properties":{"pod":"p","verb":"x"}}`, EventIdentity{}},
		"klog text":              {`I0109 21:24:54 "Starting" controller="x"`, EventIdentity{}},
		"nothing":                {"", EventIdentity{}},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, test.want, Identify([]byte(test.text))) })
	}
}

func TestNamesAreShownOnOneShortLine(t *testing.T) {
	text, err := json.Marshal(map[string]any{"verb": "a\x1b[2Jb\nc\u202e", "auditID": strings.Repeat("ä", 1000)})
	assert.NoError(t, err)
	got := Identify(text)
	assert.Equal(t, "a?[2Jb?c?", got.Verb)
	assert.Equal(t, strings.Repeat("ä", maxNameLength)+"…", got.AuditID)
}

func FuzzIdentify(f *testing.F) {
	f.Add([]byte(named))
	f.Add([]byte(`}{"user":{"username":"\ud800"}`))
	f.Add([]byte("{\"verb\":\"\x00\xff\""))
	f.Fuzz(func(t *testing.T, text []byte) {
		got := Identify(text)
		for _, name := range []string{got.AuditID, got.Verb, got.User, got.Resource} {
			assert.LessOrEqual(t, len([]rune(name)), maxNameLength+1)
			assert.NotContains(t, strings.Map(func(r rune) rune {
				if unicode.IsPrint(r) {
					return 'p'
				}
				return 'x'
			}, name), "x")
		}
	})
}
