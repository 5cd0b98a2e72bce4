package eventhub

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/forwarder"
)

// usualBodies are hub events that the quick way takes.
func usualBodies() map[string][]byte {
	log := audit("a")
	return map[string][]byte{
		"as AKS writes it":           hubBody(auditRecord("kube-audit", log+"\n")),
		"several":                    hubBody(auditRecord("kube-audit", audit("a")), auditRecord("kube-audit-admin", audit("b")), auditRecord("Kube-Audit", audit("c"))),
		"of other categories":        hubBody(auditRecord("guard", "klog \"text\" \\ \n"), auditRecord("kube-audit", log), auditRecord("kube-apiserver", "{")),
		"without a category":         hubBody(uncategorised(log)),
		"with an empty category":     hubBody(auditRecord("", log)),
		"the category behind":        hubBody(`{"properties":{"pod":"p","log":` + jsonString(log+"\n") + `},"category":"kube-audit"}`),
		"another category behind":    hubBody(`{"properties":{"log":"klog \"text\""},"category":"guard"}`),
		"no records":                 hubBody(),
		"other members":              []byte(`{"a":[1,{"b":null}],"records":[` + auditRecord("kube-audit", log) + `],"c":{"d":[]}}`),
		"white space":                []byte(" {\n\t\"records\" : [ " + auditRecord("kube-audit", " \t"+log+" \r\n") + " ] }\r\n"),
		"white space in the event":   hubBody(auditRecord("kube-audit", "{ \"kind\" :\t\"Event\",\n\"stageTimestamp\": \"2026-01-31T12:00:00Z\" , \"a\" : [ ] , \"b\":{ } }")),
		"escapes in the event":       hubBody(auditRecord("kube-audit", withString(`by \"admin\" \\ \/ \b\f\n\r\t \u003c \ud83d\ude00 \u0000`))),
		"escapes of the envelope":    bytes.ReplaceAll(hubBody(auditRecord("kube-audit", withString("<&> a/b ü"))), []byte("a/b"), []byte(`a\/b`)),
		"no escapes of the envelope": hubBody(`{"category":"kube-audit","properties":{"log":"` + strings.ReplaceAll(withString("<&> ü 😀 \x7f"), `"`, `\"`) + `"}}`),
		"numbers":                    hubBody(auditRecord("kube-audit", with(`"n":[0,-0,12,-1.5,1e3,1E-3,2.25e+10]`))),
		"literals":                   hubBody(auditRecord("kube-audit", with(`"n":[true,false,null]`))),
		"deep":                       hubBody(auditRecord("kube-audit", with(`"n":`+nested(quickDepth-1)))),
		"no audit id":                hubBody(auditRecord("kube-audit", `{"kind":"Event","stageTimestamp":"2026-01-31T12:00:00Z"}`)),
	}
}

// unusualBodies are left to the parser.
func unusualBodies() map[string][]byte {
	log := audit("a")
	return map[string][]byte{
		"empty":                        nil,
		"not JSON":                     []byte("{oops"),
		"an array":                     []byte("[" + auditRecord("kube-audit", log) + "]"),
		"one record":                   []byte(auditRecord("kube-audit", log)),
		"records that are no array":    []byte(`{"records":` + auditRecord("kube-audit", log) + `}`),
		"records twice":                []byte(`{"records":[],"records":[]}`),
		"a byte order mark":            append([]byte("\xef\xbb\xbf"), hubBody(auditRecord("kube-audit", log))...),
		"something behind it":          append(hubBody(auditRecord("kube-audit", log)), 'x'),
		"cut in the second":            hubBody(auditRecord("kube-audit", log), auditRecord("kube-audit", log))[:700],
		"a log that was cut":           hubBody(auditRecord("kube-audit", log), auditRecord("kube-audit", log[:len(log)-40])),
		"a log that is an object":      hubBody(`{"category":"kube-audit","properties":{"log":` + log + `}}`),
		"properties in a string":       hubBody(`{"category":"kube-audit","properties":` + jsonString(`{"log":`+jsonString(log)+`}`) + `}`),
		"no log":                       hubBody(`{"category":"kube-audit","properties":{}}`),
		"no properties":                hubBody(`{"category":"kube-audit"}`),
		"two logs":                     hubBody(`{"category":"kube-audit","properties":{"log":` + jsonString(log) + `,"log":""}}`),
		"two categories":               hubBody(`{"category":"kube-audit","category":"guard","properties":{"log":` + jsonString(log) + `}}`),
		"a category that is no string": hubBody(`{"category":1,"properties":{"log":` + jsonString(log) + `}}`),
		"an escape in a key":           hubBody(`{"c\u0061tegory":"kube-audit","properties":{"log":` + jsonString(log) + `}}`),
		"an escape in an event's key":  hubBody(auditRecord("kube-audit", `{"kin\u0064":"Event","stageTimestamp":"2026-01-31T12:00:00Z"}`)),
		"an escape in the audit id":    hubBody(auditRecord("kube-audit", audit(`\u0061`))),
		"two audit ids":                hubBody(auditRecord("kube-audit", with(`"auditID":"b"`))),
		"another kind":                 hubBody(auditRecord("kube-audit", strings.Replace(log, "Event", "Pod", 1))),
		"another time":                 hubBody(auditRecord("kube-audit", strings.Replace(log, "2026-01-31T12:00:00.123456Z", "today", 1))),
		"too large":                    hubBody(auditRecord("kube-audit", withString(strings.Repeat("x", testMaxEventSize)))),
		"too deep":                     hubBody(auditRecord("kube-audit", with(`"n":`+nested(quickDepth)))),
		"too deep an envelope":         []byte(`{"records":[],"n":` + nested(quickDepth) + `}`),
		"half of a character":          hubBody(`{"category":"kube-audit","properties":{"log":"` + strings.ReplaceAll(withString(`\ud83d`), `"`, `\"`) + `"}}`),
		"something behind the event":   hubBody(auditRecord("kube-audit", log+"x")),
		"a control character":          hubBody(auditRecord("kube-audit", withString("\x01"))),
		"a bad escape":                 hubBody(auditRecord("kube-audit", withString(`\x`))),
		"a bad number":                 hubBody(auditRecord("kube-audit", with(`"n":01`))),
		"a bad literal":                hubBody(auditRecord("kube-audit", with(`"n":nul`))),
		"a comma too many":             hubBody(auditRecord("kube-audit", with(`"n":[1,]`))),
	}
}

func jsonString(text string) string {
	written, err := json.Marshal(text)
	if err != nil {
		panic(err) // a string always has JSON
	}
	return string(written)
}

// with is an audit event with another member, withString one with a string as it is written.
func with(member string) string        { return strings.Replace(audit("a"), "{", "{"+member+",", 1) }
func withString(written string) string { return with(`"s":"` + written + `"`) }

func TestTheQuickWayTakesWhatIsUsual(t *testing.T) {
	for name, body := range usualBodies() {
		t.Run(name, func(t *testing.T) {
			want := newUnpacker().parse(slices.Clone(body))
			got, ok := newUnpacker().quick(body)
			require.True(t, ok)
			require.Len(t, got, len(want))
			for i := range got {
				assert.Equal(t, want[i], got[i])
				assert.Equal(t, string(want[i].content), string(got[i].content))
			}
		})
	}
}

func TestTheQuickWayLeavesWhatIsUnusualToTheParserAsItWas(t *testing.T) {
	for name, body := range unusualBodies() {
		t.Run(name, func(t *testing.T) {
			tried := slices.Clone(body)
			_, ok := newUnpacker().quick(tried)
			require.False(t, ok)
			assert.Equal(t, string(body), string(tried))
			assert.Equal(t, newUnpacker().parse(body), newUnpacker().unpack(tried))
		})
	}
}

func TestTheHubEventOfARealClusterGoesTheQuickWay(t *testing.T) {
	_, ok := newUnpacker().quick(realHubEvent(t))
	assert.True(t, ok)
}

func TestRealAuditEventsGoTheQuickWay(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("..", "..", "shared", "samples", "*_*.json"))
	require.NoError(t, err)
	for _, file := range files {
		logs, err := os.ReadFile(file)
		require.NoError(t, err)
		for log := range strings.Lines(string(logs)) {
			if strings.TrimSpace(log) == "" {
				continue
			}
			records, ok := newUnpacker().quick(hubBody(auditRecord("kube-audit", log)))
			require.True(t, ok, file)
			assert.Equal(t, strings.TrimSpace(log), string(records[0].content), file)
		}
	}
}

func TestRecordsDoNotShareTheirMemoryWithTheNextHubEvent(t *testing.T) {
	u := newUnpacker()
	first := u.unpack(hubBody(auditRecord("kube-audit", audit("first"))))
	u.unpack(hubBody(auditRecord("kube-audit", audit("other"))))
	assert.Equal(t, audit("first"), string(first[0].content))
	assert.Equal(t, "first", first[0].auditID)
	assert.Equal(t, cap(first[0].content), len(first[0].content), "what is appended to it does not run into the next")
}

// FuzzQuick checks that the quick way gives what the parser gives, or leaves the body as it was.
func FuzzQuick(f *testing.F) {
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
			body = hubBody(`{"category":"kube-audit","properties":{"log":"` + log + `"}}`)
		}
		tried := slices.Clone(body)
		got, ok := newUnpacker().quick(tried)
		if !ok {
			require.Equal(t, string(body), string(tried))
			return
		}
		want := newUnpacker().parse(body)
		require.Len(t, got, len(want))
		for i := range got {
			require.Equal(t, want[i], got[i])
			require.True(t, got[i].verdict == forwarder.Skipped || json.Valid(got[i].content))
		}
	})
}
