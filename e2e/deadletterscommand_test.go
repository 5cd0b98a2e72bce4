package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/e2e/harness"
)

// listedLetter is a line of `deadletters list -json`.
type listedLetter struct {
	Name     string `json:"name"`
	Reason   string `json:"reason"`
	Part     string `json:"partition"`
	Sequence int64  `json:"sequence_number"`
	Record   int    `json:"record"`
	Enqueued string `json:"enqueued_time"`
	AuditID  string `json:"audit_id"`
	Verb     string `json:"verb"`
	User     string `json:"user"`
	Resource string `json:"resource"`
}

// deadLetters runs `deadletters list -json`.
func deadLetters(t *testing.T, s harness.Settings) []listedLetter {
	t.Helper()
	code, stdout, stderr := harness.RunToEnd(t, s, "deadletters", "list", "-json")
	require.Zero(t, code, stderr)
	var letters []listedLetter
	for line := range strings.Lines(stdout) {
		var letter listedLetter
		require.NoError(t, json.Unmarshal([]byte(line), &letter), line)
		letters = append(letters, letter)
	}
	return letters
}

// fewRetries are settings with which the command soon stops if the sink is down.
var fewRetries = harness.Settings{"POSTMAXRETRIES": "2", "POSTRETRYINCREMENTALDELAY": "1"}

func TestWhatTheSinkRefusedIsReplayedOnceItIsAccepted(t *testing.T) {
	t.Parallel()
	for name, store := range map[string]harness.Settings{
		"blobs": {"BLOBSTORAGECONNECTIONSTRING": harness.SharedAzurite(t).ConnectionString(), "BLOBCONTAINERNAME": harness.NewBlobs(t).Name},
		"files": {"CHECKPOINTDIR": t.TempDir()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hub, s := harness.StartHub(t, 1), harness.StartSink(t)
			refused, good := harness.AuditEvent("0", 0), harness.AuditEvent("0", 1)
			s.Refuse(refused)
			hub.Append("0", harness.AuditHubEvent(t, good, refused, good))
			environ := harness.HubSettings(t, hub, s.URL).With(store)
			d := harness.StartDaemon(t, environ)
			d.AwaitMetric(t, `aks_audit_log_dead_letters_total{reason="refused"}`, 1)
			d.AwaitMetric(t, harness.VerdictSeries("delivered"), 2)

			listed := deadLetters(t, environ)
			require.Len(t, listed, 1)
			assert.NotEmpty(t, listed[0].Enqueued)
			assert.Regexp(t, `^0/0-1-\d{13}\.json$`, listed[0].Name)
			code, stdout, stderr := harness.RunToEnd(t, environ, "deadletters", "show", listed[0].Name)
			assert.Zero(t, code, stderr)
			assert.Regexp(t, `(?m)^Reason: +refused$`, stdout)
			assert.Regexp(t, `(?m)^Hub event: +partition 0, sequence number 0, enqueued 20`, stdout)
			_, event, _ := strings.Cut(stdout, "\n\n")
			assert.JSONEq(t, refused, event)
			code, stdout, stderr = harness.RunToEnd(t, environ, "deadletters", "show", "0/4711-0.json")
			assert.Equal(t, 1, code, stdout)
			assert.Contains(t, stderr, "deadletters show: read dead letter 0/4711-0.json: it is not there")
			code, stdout, stderr = harness.RunToEnd(t, environ, "deadletters", "list", "-reason", "refused", "-since", "1h", "-o", "wide")
			assert.Zero(t, code, stderr)
			assert.Contains(t, stdout, listed[0].Name)
			code, stdout, stderr = harness.RunToEnd(t, environ, "deadletters", "list", "-reason", "cut", "-o", "json")
			assert.Zero(t, code, stderr)
			assert.Empty(t, stdout)
			listed[0].Enqueued, listed[0].Name = "", ""
			assert.Equal(t, listedLetter{
				Reason: "refused", Part: "0", Record: 1,
				AuditID: harness.AuditID("0", 0), Verb: "create", User: "jörg@example.com", Resource: "pods default/p-0",
			}, listed[0])

			code, stdout, stderr = harness.RunToEnd(t, environ, "deadletters", "replay")
			assert.Equal(t, 1, code, stderr)
			assert.Contains(t, stdout, "0 sent, 0 of them deleted, 1 kept")
			assert.Contains(t, stderr, "dead letters were kept")
			assert.Len(t, deadLetters(t, environ), 1)

			s.Refuse("")
			code, stdout, stderr = harness.RunToEnd(t, environ, "deadletters", "replay", "-dry-run")
			assert.Zero(t, code, stderr)
			assert.Contains(t, stdout, "1 would be sent")
			assert.Len(t, s.Accepted(), 2)

			code, stdout, stderr = harness.RunToEnd(t, environ, "deadletters", "replay")
			assert.Zero(t, code, stderr)
			assert.Contains(t, stdout, "1 sent, 1 of them deleted, 0 kept")
			assert.Equal(t, []string{good, good, refused}, s.Accepted(), "byte for byte")
			assert.Empty(t, deadLetters(t, environ))

			posted := s.Posted()
			code, stdout, stderr = harness.RunToEnd(t, environ, "deadletters", "replay")
			assert.Zero(t, code, stderr)
			assert.Contains(t, stdout, "0 sent")
			assert.Equal(t, posted, s.Posted(), "a second replay posts nothing")
			d.Stop(t)
		})
	}
}

func TestDeadLettersOfAllReasonsAreListedAndOnlyUsableOnesReplayed(t *testing.T) {
	t.Parallel()
	hub, s, c := harness.StartHub(t, 1), harness.StartSink(t), harness.NewBlobs(t)
	environ := harness.BlobSettings(t, hub, c, s.URL)
	want := map[string]string{}
	for n, input := range badInputs(t) {
		hub.Append("0", input.body)
		if input.reason != "" {
			want[fmt.Sprintf("0/%d-0", n)] = input.reason
		}
	}
	d := harness.StartDaemon(t, environ)
	d.AwaitMetric(t, harness.VerdictSeries("dead_lettered"), float64(len(want)))
	d.Stop(t)

	got := map[string]string{}
	for _, letter := range deadLetters(t, environ) {
		name := strings.TrimPrefix(harness.DeadLetterName(t, c, "0", letter.Sequence, letter.Record), harness.DeadLetterPath)
		assert.Equal(t, name, letter.Name)
		got[fmt.Sprintf("0/%d-%d", letter.Sequence, letter.Record)] = letter.Reason
	}
	assert.Equal(t, want, got)
	code, table, stderr := harness.RunToEnd(t, environ, "deadletters", "list")
	require.Zero(t, code, stderr)
	for _, letter := range deadLetters(t, environ) {
		assert.Equal(t, letter.Reason, tableRow(t, table, letter.Name)[1])
	}
	assert.NotContains(t, table+stderr, "this is not JSON", "no content is shown")

	code, stdout, _ := harness.RunToEnd(t, environ, "deadletters", "replay")
	assert.Equal(t, 1, code)
	assert.Contains(t, stdout, fmt.Sprintf("0 sent, 0 of them deleted, %d kept", len(want)))
	assert.Zero(t, s.Posted(), "a real Falco would answer 200 and drop them")

	// An operator repairs a dead letter by hand.
	c.Write(t, harness.DeadLetterName(t, c, "0", 4, 0), `{"reason":"not_json","partition":"0","sequenceNumber":4,"content":"`+
		strings.ReplaceAll(strings.ReplaceAll(harness.AuditEvent("0", 3), `\`, `\\`), `"`, `\"`)+`"}`)
	c.Write(t, harness.DeadLetterPath+"0/rubbish.json", "rubbish")
	code, stdout, _ = harness.RunToEnd(t, environ, "deadletters", "replay", "-reason", "not_json")
	assert.Equal(t, 1, code)
	assert.Equal(t, []string{harness.AuditEvent("0", 3)}, s.Accepted())
	assert.Contains(t, stdout, "1 sent, 1 of them deleted, ")
	assert.Contains(t, c.Metadata(t), harness.DeadLetterPath+"0/rubbish.json")
	code, table, _ = harness.RunToEnd(t, environ, "deadletters", "list")
	assert.Equal(t, 1, code, "not all can be read")
	assert.Contains(t, table, "unreadable letter")
}

func TestAReplayToASinkThatIsDownEndsAndKeepsTheLetters(t *testing.T) {
	t.Parallel()
	hub, s, c := harness.StartHub(t, 1), harness.StartSink(t), harness.NewBlobs(t)
	environ := harness.BlobSettings(t, hub, c, s.URL).With(fewRetries).With(harness.Settings{"LOGLEVEL": "info"})
	c.Write(t, "made", "")
	for n := range 20 {
		letter, err := json.Marshal(map[string]any{"reason": "refused", "partition": "0", "sequenceNumber": n, "content": harness.AuditEvent("0", n)})
		require.NoError(t, err)
		c.Write(t, fmt.Sprintf("%s0/%d-0.json", harness.DeadLetterPath, n), string(letter))
	}
	for _, status := range []int{http.StatusServiceUnavailable, http.StatusNotFound} {
		s.AnswerWith(status)
		code, stdout, stderr := harness.RunToEnd(t, environ, "deadletters", "replay")
		assert.Equal(t, 1, code)
		assert.Contains(t, stderr, "send dead letter 0/0-0.json: the sink does not take it: ")
		assert.Contains(t, stderr, fmt.Sprint(status))
		assert.NotContains(t, stderr, "dropped", "nothing is")
		assert.Contains(t, stdout, "0 sent")
	}
	// Because of their content, the sink refuses twenty dead letters in a row. The command tries all of them.
	s.AnswerWith(http.StatusBadRequest)
	code, stdout, _ := harness.RunToEnd(t, environ, "deadletters", "replay")
	assert.Equal(t, 1, code)
	assert.Contains(t, stdout, "0 sent, 0 of them deleted, 20 kept")
	assert.Len(t, deadLetters(t, environ), 20)

	s.AnswerWith(http.StatusOK)
	code, stdout, stderr := harness.RunToEnd(t, environ, "deadletters", "replay")
	assert.Zero(t, code, stderr)
	assert.Contains(t, stdout, "20 sent, 20 of them deleted, 0 kept")
	require.Len(t, s.Accepted(), 20)
	for n, event := range s.Accepted() {
		assert.Equal(t, harness.AuditEvent("0", n), event, "in the order in which they stood in the hub")
	}
	assert.Empty(t, deadLetters(t, environ))
}
