package unpack

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/eventhub/unpack/jsonscan"
	"aks-audit-log-go/internal/eventhubtest"
)

// The bounds of what the daemon may allocate for a body: bytes for each byte of the unpacked body, more for each value
// that it may have, and the cost of any body. In a body as large as the hub accepts, the values add at most 150 bytes
// for each byte.
const (
	mostForEachByte  = 100
	mostForEachValue = 1500 // fastjson parses a broken text more than once
	mostForAnyBody   = 256 << 10
)

// fullSize is about the size of the bodies that FuzzAllocation makes of a pattern: as large as the hub accepts.
const fullSize = 1 << 20

// envelopes put a text in the places of a body where a JSON text can be.
func envelopes() []func(text string) []byte {
	return []func(text string) []byte{
		func(text string) []byte { return []byte(text) },
		func(text string) []byte { return eventhubtest.KubeAudit(text) },
		func(text string) []byte { return eventhubtest.HubBody(text) },
		func(text string) []byte { return eventhubtest.HubBody(`{"properties":{"log":` + text + `}}`) },
		func(text string) []byte {
			return eventhubtest.HubBody(`{"category":"kube-audit","properties":` + jsonString(text) + `}`)
		},
	}
}

// costlyTexts are texts that cost much if they are repeated: the start, what is repeated, and the end.
func costlyTexts() [][3]string {
	event := strings.TrimSuffix(eventhubtest.Audit("a"), "}")
	return [][3]string{
		{"[", "1,", "1]"}, {`{"a":[`, "1,", "1]}"}, {"[", "{},", "1]"}, {"[", "[1],", "1]"}, {"{", `"":1,`, `"":1}`}, {"{", `"":1,`, ""},
		{event + `,"requestObject":[`, "1,", "1]}"}, {event + `,"a":[`, `{"":1},`, "1]}"}, {event, `,"":1`, "}"}, {event, `,"":1`, ""},
		{event, `,"\u0061b":1`, ""}, {event, `,"\ud83d\/":1`, ""}, {event + `,"annotations":{`, `"ab":1,`, ""}, {event + `,"a":"`, "x", `"}`}, {event + `,"a":"`, `\n`, ""},
		{"[", strings.Repeat("[", 290) + strings.Repeat("]", 290) + ",", "1]"}, {strings.Repeat("[", 290), " ", ""}, {"", "\x01", ""},
		{`{}`, `,{"category":"guard"}`, ""}, {`{}`, `,{"properties":{"log":"[[["}}`, ""}, {`{}`, `,{"properties":{"log":"[[[[[[[[[x]]]]]]]]]"}}`, ""},
		{`{}`, `,{"properties":"[[[["}`, ""}, {`{}`, `,{"category":"kube-audit","properties":{"log":"{\"a\":{\"a\":"}}`, ""}, {`{}`, `,{}`, ""}, {`1`, `,1`, ""},
		{`{}`, "," + eventhubtest.AuditRecord("kube-audit", eventhubtest.Audit("a")[:160]), ""},
		{`{}`, "," + eventhubtest.AuditRecord("kube-audit", "["+strings.Repeat("1,", 50)+"1]"), ""},
	}
}

// FuzzAllocation checks how much memory a body costs that repeats something until it is as large as the hub accepts.
func FuzzAllocation(f *testing.F) {
	for i, text := range costlyTexts() {
		for envelope := range envelopes() {
			f.Add(text[0], text[1], text[2], uint8(envelope), uint8(3), false)
		}
		f.Add(text[0], text[1], text[2], uint8(i), uint8(0), true)
		f.Add(text[0], text[1], text[2], uint8(i), uint8(9), false)
	}
	f.Fuzz(func(t *testing.T, before, pattern, after string, envelope, halvings uint8, packed bool) {
		if pattern == "" || len(before)+len(pattern)+len(after) > fullSize {
			return
		}
		repeated := strings.Repeat(pattern, fullSize>>(halvings%12)/len(pattern))
		made := envelopes()
		event := eventhub.Event{Body: made[int(envelope)%len(made)](before + repeated + after)}
		size, values := len(event.Body), min(jsonscan.Rough(event.Body), maxValues)
		if packed {
			event.Body, event.Encoding = eventhubtest.Gzipped(t, bytes.Clone(event.Body)), "gzip"
		}
		u := testUnpacker()
		got := allocated(func() {
			_, _, release, err := u.Unpack(t.Context(), event)
			require.NoError(t, err)
			if release != nil {
				release()
			}
		})
		require.LessOrEqual(t, got, mostForEachByte*size+mostForEachValue*values+mostForAnyBody, "%d bytes, %d values", size, values)
	})
}
