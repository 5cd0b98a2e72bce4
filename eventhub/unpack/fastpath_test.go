package unpack

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/forwarder/audit"
	"aks-audit-log-go/internal/eventhubtest"
)

// usualBodies are bodies that the fast path reads.
func usualBodies() map[string][]byte {
	log := eventhubtest.Audit("a")
	return map[string][]byte{
		"as AKS writes it":           eventhubtest.HubBody(eventhubtest.AuditRecord("kube-audit", log+"\n")),
		"several":                    eventhubtest.HubBody(eventhubtest.AuditRecord("kube-audit", eventhubtest.Audit("a")), eventhubtest.AuditRecord("kube-audit-admin", eventhubtest.Audit("b")), eventhubtest.AuditRecord("Kube-Audit", eventhubtest.Audit("c"))),
		"of other categories":        eventhubtest.HubBody(eventhubtest.AuditRecord("guard", "klog \"text\" \\ \n"), eventhubtest.AuditRecord("kube-audit", log), eventhubtest.AuditRecord("kube-apiserver", "{")),
		"without a category":         eventhubtest.HubBody(eventhubtest.Uncategorised(log)),
		"with an empty category":     eventhubtest.HubBody(eventhubtest.AuditRecord("", log)),
		"the category after":         eventhubtest.HubBody(`{"properties":{"pod":"p","log":` + jsonString(log+"\n") + `},"category":"kube-audit"}`),
		"another category after":     eventhubtest.HubBody(`{"properties":{"log":"klog \"text\""},"category":"guard"}`),
		"no records":                 eventhubtest.HubBody(),
		"other members":              []byte(`{"a":[1,{"b":null}],"records":[` + eventhubtest.AuditRecord("kube-audit", log) + `],"c":{"d":[]}}`),
		"white space":                []byte(" {\n\t\"records\" : [ " + eventhubtest.AuditRecord("kube-audit", " \t"+log+" \r\n") + " ] }\r\n"),
		"white space in the event":   eventhubtest.HubBody(eventhubtest.AuditRecord("kube-audit", "{ \"kind\" :\t\"Event\",\n\"stageTimestamp\": \"2026-01-31T12:00:00Z\" , \"a\" : [ ] , \"b\":{ } }")),
		"escapes in the event":       eventhubtest.HubBody(eventhubtest.AuditRecord("kube-audit", withString(`by \"admin\" \\ \/ \b\f\n\r\t \u003c \ud83d\ude00 \u0000`))),
		"escapes of the envelope":    bytes.ReplaceAll(eventhubtest.HubBody(eventhubtest.AuditRecord("kube-audit", withString("<&> a/b ü"))), []byte("a/b"), []byte(`a\/b`)),
		"no escapes of the envelope": eventhubtest.HubBody(`{"category":"kube-audit","properties":{"log":"` + strings.ReplaceAll(withString("<&> ü 😀 \x7f"), `"`, `\"`) + `"}}`),
		"numbers":                    eventhubtest.HubBody(eventhubtest.AuditRecord("kube-audit", with(`"n":[0,-0,12,-1.5,1e3,1E-3,2.25e+10]`))),
		"literals":                   eventhubtest.HubBody(eventhubtest.AuditRecord("kube-audit", with(`"n":[true,false,null]`))),
		"deep":                       eventhubtest.HubBody(eventhubtest.AuditRecord("kube-audit", with(`"n":`+eventhubtest.Nested(50)))),
		"no audit id":                eventhubtest.HubBody(eventhubtest.AuditRecord("kube-audit", `{"kind":"Event","stageTimestamp":"2026-01-31T12:00:00Z"}`)),
	}
}

// unusualBodies are bodies that the fast path leaves to the parser.
func unusualBodies() map[string][]byte {
	log := eventhubtest.Audit("a")
	return map[string][]byte{
		"empty":                        nil,
		"not JSON":                     []byte("{oops"),
		"an array":                     []byte("[" + eventhubtest.AuditRecord("kube-audit", log) + "]"),
		"one record":                   []byte(eventhubtest.AuditRecord("kube-audit", log)),
		"records that are no array":    []byte(`{"records":` + eventhubtest.AuditRecord("kube-audit", log) + `}`),
		"records twice":                []byte(`{"records":[],"records":[]}`),
		"a byte order mark":            append([]byte("\xef\xbb\xbf"), eventhubtest.HubBody(eventhubtest.AuditRecord("kube-audit", log))...),
		"something after it":           append(eventhubtest.HubBody(eventhubtest.AuditRecord("kube-audit", log)), 'x'),
		"cut in the second":            eventhubtest.HubBody(eventhubtest.AuditRecord("kube-audit", log), eventhubtest.AuditRecord("kube-audit", log))[:700],
		"a log that was cut":           eventhubtest.HubBody(eventhubtest.AuditRecord("kube-audit", log), eventhubtest.AuditRecord("kube-audit", log[:len(log)-40])),
		"a log that is an object":      eventhubtest.HubBody(`{"category":"kube-audit","properties":{"log":` + log + `}}`),
		"properties in a string":       eventhubtest.HubBody(`{"category":"kube-audit","properties":` + jsonString(`{"log":`+jsonString(log)+`}`) + `}`),
		"no log":                       eventhubtest.HubBody(`{"category":"kube-audit","properties":{}}`),
		"no properties":                eventhubtest.HubBody(`{"category":"kube-audit"}`),
		"two logs":                     eventhubtest.HubBody(`{"category":"kube-audit","properties":{"log":` + jsonString(log) + `,"log":""}}`),
		"two categories":               eventhubtest.HubBody(`{"category":"kube-audit","category":"guard","properties":{"log":` + jsonString(log) + `}}`),
		"a category that is no string": eventhubtest.HubBody(`{"category":1,"properties":{"log":` + jsonString(log) + `}}`),
		"an escape in a key":           eventhubtest.HubBody(`{"c\u0061tegory":"kube-audit","properties":{"log":` + jsonString(log) + `}}`),
		"an escape in an event's key":  eventhubtest.HubBody(eventhubtest.AuditRecord("kube-audit", `{"kin\u0064":"Event","stageTimestamp":"2026-01-31T12:00:00Z"}`)),
		"an escape in the audit id":    eventhubtest.HubBody(eventhubtest.AuditRecord("kube-audit", eventhubtest.Audit(`\u0061`))),
		"two audit ids":                eventhubtest.HubBody(eventhubtest.AuditRecord("kube-audit", with(`"auditID":"b"`))),
		"another kind":                 eventhubtest.HubBody(eventhubtest.AuditRecord("kube-audit", strings.Replace(log, "Event", "Pod", 1))),
		"another time":                 eventhubtest.HubBody(eventhubtest.AuditRecord("kube-audit", strings.Replace(log, "2026-01-31T12:00:00.123456Z", "today", 1))),
		"too large":                    eventhubtest.HubBody(eventhubtest.AuditRecord("kube-audit", withString(strings.Repeat("x", eventhubtest.MaxEventSize)))),
		"too deep":                     eventhubtest.HubBody(eventhubtest.AuditRecord("kube-audit", with(`"n":`+eventhubtest.Nested(150)))),
		"too deep an envelope":         []byte(`{"records":[],"n":` + eventhubtest.Nested(150) + `}`),
		"half of a character":          eventhubtest.HubBody(`{"category":"kube-audit","properties":{"log":"` + strings.ReplaceAll(withString(`\ud83d`), `"`, `\"`) + `"}}`),
		"something after the event":    eventhubtest.HubBody(eventhubtest.AuditRecord("kube-audit", log+"x")),
		"a control character":          eventhubtest.HubBody(eventhubtest.AuditRecord("kube-audit", withString("\x01"))),
		"a bad escape":                 eventhubtest.HubBody(eventhubtest.AuditRecord("kube-audit", withString(`\x`))),
		"a bad number":                 eventhubtest.HubBody(eventhubtest.AuditRecord("kube-audit", with(`"n":01`))),
		"a bad literal":                eventhubtest.HubBody(eventhubtest.AuditRecord("kube-audit", with(`"n":nul`))),
		"a comma too many":             eventhubtest.HubBody(eventhubtest.AuditRecord("kube-audit", with(`"n":[1,]`))),
	}
}

func jsonString(text string) string {
	written, err := json.Marshal(text)
	if err != nil {
		panic(err) // every string has JSON
	}
	return string(written)
}

// with returns an audit event with another member, withString one with a string member as it is written.
func with(member string) string {
	return strings.Replace(eventhubtest.Audit("a"), "{", "{"+member+",", 1)
}
func withString(written string) string { return with(`"s":"` + written + `"`) }

func TestTheFastPathReadsUsualBodiesLikeTheParser(t *testing.T) {
	for name, body := range usualBodies() {
		t.Run(name, func(t *testing.T) {
			want := testUnpacker().parser.mustRead(slices.Clone(body))
			got, ok := testUnpacker().fastPath.read(body)
			require.True(t, ok)
			require.Len(t, got, len(want))
			for i := range got {
				assert.Equal(t, want[i], got[i])
				assert.Equal(t, string(want[i].Content), string(got[i].Content))
			}
		})
	}
}

func TestTheFastPathLeavesUnusualBodiesUnchangedToTheParser(t *testing.T) {
	for name, body := range unusualBodies() {
		t.Run(name, func(t *testing.T) {
			tried := slices.Clone(body)
			_, ok := testUnpacker().fastPath.read(tried)
			require.False(t, ok)
			assert.Equal(t, string(body), string(tried))
			assert.Equal(t, testUnpacker().parser.mustRead(body), testUnpacker().unpackBody(tried))
		})
	}
}

func TestTheFastPathReadsTheHubEventOfARealCluster(t *testing.T) {
	_, ok := testUnpacker().fastPath.read(realHubEvent(t))
	assert.True(t, ok)
}

func TestTheFastPathReadsRealAuditEvents(t *testing.T) {
	for file, logs := range eventhubtest.Samples(t, "*_*.json") {
		for log := range strings.Lines(string(logs)) {
			if strings.TrimSpace(log) == "" {
				continue
			}
			records, ok := testUnpacker().fastPath.read(eventhubtest.HubBody(eventhubtest.AuditRecord("kube-audit", log)))
			require.True(t, ok, file)
			assert.Equal(t, strings.TrimSpace(log), string(records[0].Content), file)
		}
	}
}

func TestRecordsDoNotShareTheirMemoryWithTheNextHubEvent(t *testing.T) {
	u := testUnpacker()
	first := u.unpackBody(eventhubtest.HubBody(eventhubtest.AuditRecord("kube-audit", eventhubtest.Audit("first"))))
	u.unpackBody(eventhubtest.HubBody(eventhubtest.AuditRecord("kube-audit", eventhubtest.Audit("other"))))
	assert.Equal(t, eventhubtest.Audit("first"), string(first[0].Content))
	assert.Equal(t, "first", first[0].AuditID)
	assert.Equal(t, cap(first[0].Content), len(first[0].Content), "an append must not write into the next event")
}

// FuzzFastPath checks that the fast path returns what the parser returns, or leaves the body unchanged.
func FuzzFastPath(f *testing.F) {
	for _, bodies := range []map[string][]byte{usualBodies(), unusualBodies()} {
		for _, body := range bodies {
			if len(body) < 10_000 {
				f.Add(body, "")
			}
		}
	}
	for _, log := range oddLogs() {
		f.Add([]byte(nil), log)
	}
	f.Fuzz(func(t *testing.T, body []byte, log string) {
		if log != "" {
			body = eventhubtest.HubBody(`{"category":"kube-audit","properties":{"log":"` + log + `"}}`)
		}
		tried := slices.Clone(body)
		got, ok := testUnpacker().fastPath.read(tried)
		if !ok {
			require.Equal(t, string(body), string(tried))
			return
		}
		want := testUnpacker().parser.mustRead(body)
		require.Len(t, got, len(want))
		for i := range got {
			require.Equal(t, want[i], got[i])
			require.True(t, got[i].Verdict == audit.Skipped || json.Valid(got[i].Content))
		}
	})
}
