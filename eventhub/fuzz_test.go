package eventhub

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"aks-audit-log-go/forwarder"
)

// oddLogs are seeds: audit events, and what comes close to one.
func oddLogs() []string {
	return []string{
		audit("a"), known, known + `,"k":[1,{"a":"\u12`, known + `,"annotations":{"a":"b"},"stageTimestamp":"20`,
		`{"\u0061uditID":"a","verb":"get","user":{},"kind":"Event"`, withRequest(nested(310)), `{"a":1,"a":2}`, ` { } `,
		`{"kind":"Event","annotations":[],"requestReceivedTimestamp":"2026-01-31T12:00:00,5Z"`, `[{"a":tru`, "\x00\xff", `{"a":-1e+`,
	}
}

// FuzzUnpack checks that whatever arrives, what goes to the sink is what Falco takes, and that
// nothing is left without a verdict.
func FuzzUnpack(f *testing.F) {
	for _, log := range oddLogs() {
		f.Add([]byte(log), true)
		f.Add(hubBody(auditRecord("kube-audit", log), `{"properties":"{\"log\":{}}"}`, `{"category":"guard"}`), false)
	}
	f.Fuzz(func(t *testing.T, body []byte, wrap bool) {
		if wrap {
			body = hubBody(auditRecord("kube-audit", string(body)))
		}
		u := unpackerFor(2000)
		for _, record := range u.unpack(body) {
			switch record.verdict {
			case forwarder.Skipped:
			case forwarder.DeadLettered:
				require.NotEmpty(t, record.reason)
			default:
				_, reason := u.checkAudit(record.content)
				require.Empty(t, reason)
				require.Equal(t, record.original != nil, record.reason != "")
			}
			require.True(t, !wrap || record.verdict != forwarder.Skipped, "a record of an audit category is never passed over")
		}
	})
}

// FuzzSalvage cuts a JSON object that begins as an audit event does. What is whole before the cut
// stays as it is, and the rest is valid JSON. Anything else is refused.
func FuzzSalvage(f *testing.F) {
	for _, log := range oddLogs() {
		f.Add([]byte(log), len(log)/2)
		f.Add([]byte(log), len(log)-1)
	}
	f.Fuzz(func(t *testing.T, object []byte, at int) {
		_, err := salvage(object, recordTime)
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
		event, err := salvage(cut, recordTime)
		require.NoError(t, err)
		require.True(t, json.Valid(event), "%s", event)
		requireSameMembers(t, cut, event)
		_, err = salvage(event, recordTime)
		require.ErrorIs(t, err, errNotCut)
	})
}

// requireSameMembers checks that the members of text, but for the annotations, stand in event.
func requireSameMembers(t *testing.T, text, event []byte) {
	t.Helper()
	before, _ := scanObject(text)
	after, err := scanObject(event)
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(after.members), len(before.members))
	for i, m := range before.members {
		require.Equal(t, m.key, after.members[i].key)
		if m.key != "annotations" {
			kept := after.members[i]
			require.Equal(t, string(text[m.value:m.end]), string(event[kept.value:kept.end]))
		}
	}
}

func leaveOut(t *testing.T, object []byte, keys ...string) []byte {
	t.Helper()
	for _, key := range keys {
		s, err := scanObject(object)
		require.NoError(t, err)
		object = s.without(key)
	}
	return object
}

// FuzzReduce checks that what is left out of an object is just what should be.
func FuzzReduce(f *testing.F) {
	for _, log := range oddLogs() {
		f.Add([]byte(log))
	}
	f.Add([]byte(`{"responseObject":1 , "a" : [ ] ,"requestObject":{"responseObject":2},"responseObject":3}`))
	f.Fuzz(func(t *testing.T, object []byte) {
		left := []string{"responseObject", "requestObject"}
		_, fits := reduce(object, func(event []byte) bool {
			if !json.Valid(object) {
				return false
			}
			require.True(t, json.Valid(event), "%s", event)
			reduced, err := scanObject(event)
			require.NoError(t, err)
			require.Nil(t, reduced.valueOf(left[0]))
			requireSameMembers(t, leaveOut(t, object, left...), leaveOut(t, event, left...))
			return false
		})
		require.False(t, fits)
	})
}

// FuzzCheckpointFile checks that rubbish in the place of a checkpoint's file counts as nothing read
// yet.
func FuzzCheckpointFile(f *testing.F) {
	folder := f.TempDir()
	for _, sequence := range []string{"7", "-1", "", "9223372036854775808", "0x1", "\"7\"", "1e3", "null", "{}"} {
		f.Add([]byte(`{"sequencenumber":` + sequence + `,"offset":"4711"}`))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		require.NoError(t, os.WriteFile(filepath.Join(folder, "3"), content, 0o600))
		checkpoint, err := readCheckpoint(folder, "3")
		require.NoError(t, err)
		require.Equal(t, "3", checkpoint.Partition)
		require.GreaterOrEqual(t, checkpoint.Sequence, int64(noSequence))
		if checkpoint.Sequence == noSequence {
			require.Empty(t, checkpoint.Offset)
		} else {
			require.True(t, json.Valid(content))
		}
	})
}
