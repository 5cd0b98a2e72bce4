package unpack

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"aks-audit-log-go/eventhub/unpack/jsonscan"
	"aks-audit-log-go/forwarder/audit"
	"aks-audit-log-go/internal/eventhubtest"
)

// oddLogs are seeds: audit events, and texts that look like one.
func oddLogs() []string {
	return []string{
		eventhubtest.Audit("a"), known, known + `,"k":[1,{"a":"\u12`, known + `,"annotations":{"a":"b"},"stageTimestamp":"20`,
		`{"\u0061uditID":"a","verb":"get","user":{},"kind":"Event"`, eventhubtest.WithRequest(eventhubtest.Nested(310)), `{"a":1,"a":2}`, ` { } `,
		`{"kind":"Event","annotations":[],"requestReceivedTimestamp":"2026-01-31T12:00:00,5Z"`, `[{"a":tru`, "\x00\xff", `{"a":-1e+`,
	}
}

// FuzzUnpack checks for any body that Falco accepts each event that goes to the sink, and that all other records have
// a verdict.
func FuzzUnpack(f *testing.F) {
	for _, log := range oddLogs() {
		f.Add([]byte(log), true)
		f.Add(eventhubtest.HubBody(eventhubtest.AuditRecord("kube-audit", log), `{"properties":"{\"log\":{}}"}`, `{"category":"guard"}`), false)
	}
	f.Fuzz(func(t *testing.T, body []byte, wrap bool) {
		if wrap {
			body = eventhubtest.HubBody(eventhubtest.AuditRecord("kube-audit", string(body)))
		}
		u := unpackerWithLimit(2000)
		for _, record := range u.unpackBody(body) {
			switch record.Verdict {
			case audit.Skipped:
			case audit.DeadLettered:
				require.NotEmpty(t, record.Reason)
			default:
				_, reason := u.parser.validator.Check(record.Content)
				require.Empty(t, reason)
				require.Equal(t, record.Original != nil, record.Reason != "")
			}
			require.True(t, !wrap || record.Verdict != audit.Skipped, "a record of an audit category is never skipped")
		}
	})
}

// FuzzRepair cuts a JSON object that begins like an audit event. It checks that members that were whole before the cut
// stay, that the result is valid JSON, and that repair refuses all other texts.
func FuzzRepair(f *testing.F) {
	for _, log := range oddLogs() {
		f.Add([]byte(log), len(log)/2)
		f.Add([]byte(log), len(log)-1)
	}
	f.Fuzz(func(t *testing.T, object []byte, at int) {
		_, err := repair(object, recordTime)
		if json.Valid(object) {
			require.ErrorIs(t, err, errNotCut)
		}
		if inside, ok := bytes.CutPrefix(object, []byte("{")); ok {
			object = append([]byte(known+","), inside...)
		}
		if !json.Valid(object) || object[0] != '{' {
			return
		}
		object = object[:bytes.LastIndexByte(object, '}')]
		cut := object[:max(len(known), min(at, len(object)))]
		event, err := repair(cut, recordTime)
		require.NoError(t, err)
		require.True(t, json.Valid(event), "%s", event)
		requireSameMembers(t, cut, event)
		_, err = repair(event, recordTime)
		require.ErrorIs(t, err, errNotCut)
	})
}

// requireSameMembers checks that event has the whole members of text, except for the annotations.
func requireSameMembers(t *testing.T, text, event []byte) {
	t.Helper()
	require.True(t, json.Valid(event))
	before, after := wholeMembers(text), wholeMembers(event)
	require.GreaterOrEqual(t, len(after), len(before))
	for i, m := range before {
		require.Equal(t, m.key, after[i].key)
		if m.key != "annotations" {
			require.Equal(t, m.value, after[i].value)
		}
	}
}

// jsonMember is a member of a JSON object: its key, and its value as it is written.
type jsonMember struct{ key, value string }

// wholeMembers returns the whole members of an object that may be cut. It uses another reader than the one under test.
func wholeMembers(text []byte) []jsonMember {
	decoder := json.NewDecoder(bytes.NewReader(text))
	if opening, err := decoder.Token(); err != nil || opening != json.Delim('{') {
		return nil
	}
	var members []jsonMember
	for decoder.More() {
		key, err := decoder.Token()
		if err != nil {
			break
		}
		var value json.RawMessage
		if decoder.Decode(&value) != nil {
			break
		}
		last := value[len(value)-1]
		if int(decoder.InputOffset()) == len(text) && last >= '0' && last <= '9' {
			break // another digit may follow
		}
		members = append(members, jsonMember{key.(string), string(value)})
	}
	return members
}

// leaveOut returns an object without its members with the keys.
func leaveOut(t *testing.T, object []byte, keys ...string) []byte {
	t.Helper()
	for _, key := range keys {
		s, err := jsonscan.ScanObject(object)
		require.NoError(t, err)
		object = s.Without(key)
	}
	return object
}

// FuzzTruncate checks that truncate removes only responseObject and requestObject from an object.
func FuzzTruncate(f *testing.F) {
	for _, log := range oddLogs() {
		f.Add([]byte(log))
	}
	f.Add([]byte(`{"responseObject":1 , "a" : [ ] ,"requestObject":{"responseObject":2},"responseObject":3}`))
	f.Fuzz(func(t *testing.T, object []byte) {
		left := []string{"responseObject", "requestObject"}
		got := truncate(object, func(event []byte) bool {
			if !json.Valid(object) {
				return false
			}
			require.True(t, json.Valid(event), "%s", event)
			truncated, err := jsonscan.ScanObject(event)
			require.NoError(t, err)
			require.Nil(t, truncated.ValueOf(left[0]))
			requireSameMembers(t, leaveOut(t, object, left...), leaveOut(t, event, left...))
			return false
		})
		require.Nil(t, got)
	})
}
