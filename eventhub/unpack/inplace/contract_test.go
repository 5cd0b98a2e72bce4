package inplace

import (
	"bytes"
	"encoding/json"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/valyala/fastjson"

	"aks-audit-log-go/internal/eventhubtest"
)

// logPrefix and logSuffix surround the content of a log in a record.
const (
	logPrefix = `{"log":"`
	logSuffix = `","stream":"stdout"}`
)

// quotedLog returns an audit event as the content of the string "log".
func quotedLog(event string) string {
	quoted, err := json.Marshal(event)
	if err != nil {
		panic(err) // every string has JSON
	}
	return string(quoted[1 : len(quoted)-1])
}

// acceptedLogs are contents of "log" that ReadLog accepts, rejectedLogs are those that it leaves to the general
// parser.
func acceptedLogs() map[string]string {
	const time = `,"stageTimestamp":"2026-01-31T12:00:00Z"`
	return map[string]string{
		"an audit event":          quotedLog(eventhubtest.Audit("a") + "\n"),
		"white space":             quotedLog(" \t{ \"kind\" :\t\"Event\",\n\"a\" : [ ] , \"b\":{ }, \"annotations\": { \"a\" : \"b\" } } \r\n"),
		"escapes of the event":    quotedLog(`{"a":"by \"admin\" \\ \/ \b\f\n\r\t \u003c \ud83d\ude00 \u0000"}`),
		"escapes of the string":   `{\"a\":\"a\/b \u003c\u00fc\"}`,
		"numbers and literals":    quotedLog(`{"n":[0,-0,12,-1.5,1e3,1E-3,2.25e+10,true,false,null]}`),
		"annotations twice":       quotedLog(`{"annotations":{"a":"b"},"annotations":{}}`),
		"as deep as can be":       quotedLog(`{"n":` + eventhubtest.Nested(maxDepth-1) + time + `}`),
		"an event without fields": quotedLog(`{}`),
	}
}

func rejectedLogs() map[string]string {
	return map[string]string{
		"nothing":                 ``,
		"a cut event":             quotedLog(eventhubtest.Audit("a")[:100]),
		"too deep":                quotedLog(`{"n":` + eventhubtest.Nested(maxDepth) + `}`),
		"an array":                quotedLog(`[1]`),
		"text after the event":    quotedLog(`{}x`),
		"two kinds":               quotedLog(`{"kind":"Event","kind":"Event"}`),
		"a kind that is a number": quotedLog(`{"kind":1}`),
		"an escape in a key":      quotedLog(`{"kin\u0064":"Event"}`),
		"an escape in the kind":   quotedLog(`{"kind":"Even\u0074"}`),
		"a bad number":            quotedLog(`{"n":01}`),
		"a bad literal":           quotedLog(`{"n":nul}`),
		"a comma too many":        quotedLog(`{"n":[1,]}`),
		"half a surrogate pair":   `{\"a\":\"\ud83d\"}`,
		"a bad escape":            quotedLog(`{"a":"\x"}`),
		"a control character":     quotedLog("{\"a\":\"\x01\"}"),
		"a control byte after it": "{}\x01" + quotedLog(`{"a":"b"}`),
	}
}

func TestReadLogAcceptsUsualLogsAndRejectsAllOthers(t *testing.T) {
	for want, logs := range map[bool]map[string]string{true: acceptedLogs(), false: rejectedLogs()} {
		for name, log := range logs {
			t.Run(name, func(t *testing.T) {
				assert.Equal(t, want, requireLogContract(t, log))
			})
		}
	}
}

// FuzzReadLog checks that the general parser accepts what ReadLog accepts, with the same result.
func FuzzReadLog(f *testing.F) {
	for _, logs := range []map[string]string{acceptedLogs(), rejectedLogs()} {
		for _, log := range logs {
			f.Add(log)
		}
	}
	f.Fuzz(func(t *testing.T, log string) { requireLogContract(t, log) })
}

// requireLogContract checks the contract of ReadLog for one content of "log", and returns whether ReadLog accepted
// it.
func requireLogContract(t *testing.T, log string) (accepted bool) {
	t.Helper()
	text := []byte(logPrefix + log + logSuffix)
	body := NewBody(slices.Clone(text))
	event, accepted := body.ReadLog(len(logPrefix))
	if !accepted {
		return false
	}
	quoted := text[len(logPrefix)-1 : body.at]
	require.Equal(t, string(text[body.at:]), string(body.text[body.at:]), "ReadLog writes into the string only")
	parsed, err := fastjson.ParseBytes(quoted)
	require.NoError(t, err)
	require.Equal(t, string(bytes.TrimSpace(parsed.GetStringBytes())), string(event.JSON))
	require.True(t, json.Valid(event.JSON))

	parsed, err = fastjson.ParseBytes(event.JSON)
	require.NoError(t, err)
	for key, field := range map[string][]byte{"kind": event.Kind, "auditID": event.AuditID, "stageTimestamp": event.StageTimestamp} {
		require.Equal(t, parsed.Exists(key), field != nil)
		require.Equal(t, string(parsed.GetStringBytes(key)), string(field))
	}
	annotations := parsed.Get("annotations")
	require.Equal(t, annotations != nil, event.Annotations != Span{})
	if annotations != nil {
		value, err := fastjson.ParseBytes(event.JSON[event.Annotations.From:event.Annotations.To])
		require.NoError(t, err)
		require.Equal(t, annotations.String(), value.String())
	}
	return true
}

func TestBodyAcceptsStrictJSONOnly(t *testing.T) {
	for text, want := range map[string]bool{
		` { "a" : [ 1 , {} , [] , "b\"\u00fc" ] , "c" : null } ` + "\r\n": true,
		eventhubtest.Nested(maxDepth):                                     true,
		eventhubtest.Nested(maxDepth + 1):                                 false,
		``:                                                                false,
		`{"a":1}x`:                                                        false,
		`{"a":1,}`:                                                        false,
		`{"a" 1}`:                                                         false,
		`{a:1}`:                                                           false,
		`[1,]`:                                                            false,
		`[1 2]`:                                                           false,
		`["\x"]`:                                                          false,
		`["\u12g4"]`:                                                      false,
		`["a`:                                                             false,
		`[01]`:                                                            false,
		`[tru]`:                                                           false,
	} {
		assert.Equal(t, want, requireBodyContract(t, []byte(text)), text)
	}
}

// FuzzBody checks that the general parser accepts what Body accepts, with the same members and strings.
func FuzzBody(f *testing.F) {
	f.Add([]byte(`{"a":"b","c\"":"\u00fc","d":[1,{"e":null}]}`))
	f.Add(eventhubtest.HubBody(eventhubtest.AuditRecord("kube-audit", eventhubtest.Audit("a"))))
	f.Fuzz(func(t *testing.T, text []byte) { requireBodyContract(t, text) })
}

// requireBodyContract checks the contract of Body for a text, and returns whether Body accepted the text.
func requireBodyContract(t *testing.T, text []byte) (accepted bool) {
	t.Helper()
	body := NewBody(text)
	if !body.Skip() || !body.AtEnd() {
		return false
	}
	parsed, err := fastjson.ParseBytes(text)
	require.NoError(t, err)
	if parsed.Type() != fastjson.TypeObject {
		return true
	}
	var keys []string
	parsed.GetObject().Visit(func(key []byte, _ *fastjson.Value) { keys = append(keys, string(key)) })
	body, at := NewBody(text), 0
	require.True(t, body.Members(func(key []byte) bool {
		require.Less(t, at, len(keys))
		if key != nil {
			require.Equal(t, keys[at], string(key))
		}
		at++
		start, isString := body.StringStart()
		before := body.at
		content, plain := body.PlainString()
		if !plain {
			body.at = before
			return body.Skip()
		}
		require.True(t, isString)
		require.Equal(t, string(text[start:start+len(content)]), string(content))
		value, err := fastjson.ParseBytes(text[start-1 : body.at])
		require.NoError(t, err)
		require.Equal(t, string(value.GetStringBytes()), string(content))
		return true
	}))
	require.Len(t, keys, at)
	return true
}
