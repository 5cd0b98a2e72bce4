package admin

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/eventhub"
)

// noon is when the hub events of these tests were enqueued.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func letterAt(sequence int64, reason, content string, enqueued time.Time) eventhub.DeadLetter {
	letter := letterOf(sequence, reason, content)
	letter.Enqueued = enqueued
	return letter
}

func TestShowPrintsTheReasonThePlaceAndTheEvent(t *testing.T) {
	letter := letterAt(7, "refused", `{"auditID":"a-1","verb":"create","user":{"username":"jörg"},"n":12345678901234567890}`, noon)
	letter.Record, letter.Detail, letter.Category = 3, "400 Bad\x1b[2J Request", "kube-audit"
	var out bytes.Buffer
	require.NoError(t, show(t.Context(), lettersOf(letter), "0/7-3-1772366400000.json", false, &out))
	assert.Equal(t, `Name:       0/7-3-1772366400000.json
Reason:     refused
Detail:     400 Bad\u001b[2J Request
Hub event:  partition 0, sequence number 7, enqueued 2026-03-01T12:00:00Z
Record:     3
Category:   kube-audit
Audit ID:   a-1
Verb:       create
User:       jörg
Resource:   -
Bytes:      86

{
  "auditID": "a-1",
  "verb": "create",
  "user": {
    "username": "jörg"
  },
  "n": 12345678901234567890
}
`, out.String())
}

func TestShowFindsALineOfAGatheredObject(t *testing.T) {
	letters := lettersOf()
	name := letters.gather(t, letterOf(1, "cut", `{"auditID":"a`), letterOf(2, "refused", `{"auditID":"b"}`))
	var out bytes.Buffer
	require.NoError(t, show(t.Context(), letters, name+":2", true, &out))
	var shown map[string]any
	require.NoError(t, json.Unmarshal(out.Bytes(), &shown))
	assert.Equal(t, map[string]any{
		"name": name + ":2", "reason": "refused", "partition": "0", "sequence_number": 2.0, "record": 0.0, "enqueued_time": "0001-01-01T00:00:00Z",
		"bytes": 15.0, "audit_id": "b", "content": `{"auditID":"b"}`,
	}, shown)
	for wrong, why := range map[string]string{
		name: name + ":1 to " + name + ":2", name + ":3": "ends at line 2", name + ":0": "is not the name", "../../x.json": "is not the name",
		"/etc/x.json": "is not the name", "0/1-0": "is not the name", "": "is not the name",
	} {
		err := show(t.Context(), letters, wrong, false, &out)
		require.ErrorIs(t, err, ErrMisused, wrong)
		assert.ErrorContains(t, err, why)
	}
	assert.ErrorIs(t, show(t.Context(), letters, "0/9-0.json", false, &out), eventhub.ErrNotFound)
}

func TestWhatATerminalWouldObeyIsEscaped(t *testing.T) {
	for content, want := range map[string]string{
		"":                                     "(no content)\n",
		"not JSON\n\tat all\x1b]0;x\a\n\n":     "not JSON\n\tat all\\u001b]0;x\\u0007\n",
		"{\"a\":\"\u009b2J\u202e\U000e0001\"}": "{\n  \"a\": \"\\u009b2J\\u202e\\udb40\\udc01\"\n}\n",
		"\x1f\x8b\xff":                         "00000000  1f 8b ff                                          |...|\n",
	} {
		assert.Equal(t, want, readable([]byte(content)))
	}
	letters := lettersOf(letterOf(1, "bad_encoding", "\x1f\x8b\xff"))
	var out bytes.Buffer
	require.NoError(t, show(t.Context(), letters, "0/1-0.json", true, &out))
	assert.Contains(t, out.String(), `"content_base64": "H4v/"`)
}

func TestListSelectsByReasonAndTime(t *testing.T) {
	detailed := letterAt(4, "refused", `{"auditID":"d"}`, noon)
	detailed.Detail, detailed.Category = "400\nBad Request", "kube-audit"
	letters := lettersOf(
		letterAt(1, "refused", "{}", noon.Add(-time.Second)), letterAt(2, "cut", "{}", noon), letterOf(3, "refused", "{}"), detailed, letterOf(5, "", ""),
	)
	for name, test := range map[string]struct {
		options ListOptions
		want    string // the sequence numbers
	}{
		"all":       {ListOptions{}, "1 2 3 4 5"},
		"by reason": {ListOptions{Reason: "refused"}, "1 3 4 5"},
		"by time":   {ListOptions{Since: noon}, "2 3 4 5"},
		"by both":   {ListOptions{Since: noon, Reason: "cut"}, "2 5"},
	} {
		for _, output := range []string{ListAsTable, ListAsWide} {
			var out bytes.Buffer
			test.options.Output = output
			require.ErrorIs(t, listAll(t.Context(), letters, test.options, &out), errUnreadable)
			var got []string
			for line := range strings.Lines(out.String()) {
				if place, found := strings.CutPrefix(line, "0/"); found {
					got = append(got, place[:1])
				}
			}
			assert.Equal(t, test.want, strings.Join(got, " "), name)
			assert.Equal(t, output == ListAsWide, strings.Contains(out.String(), "  DETAIL\n"))
			assert.Equal(t, output == ListAsWide && strings.Contains(test.want, "4"), strings.Contains(out.String(), `kube-audit        15        400\u000aBad Request`))
		}
	}
}
