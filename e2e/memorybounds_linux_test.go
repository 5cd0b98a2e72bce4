package e2e

import (
	"bytes"
	"compress/gzip"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/e2e/harness"
	"aks-audit-log-go/internal/hubtest"
	"aks-audit-log-go/internal/hubtest/wire"
)

// costlyBacklog is how many hub events of each kind a partition has.
const costlyBacklog = 3

// numbers returns a JSON array of this many numbers.
func numbers(count int) string { return "[" + strings.Repeat("1,", count-1) + "1]" }

// gzipped returns a hub event with this body compressed with gzip.
func gzipped(t *testing.T, body string) hubtest.Message {
	t.Helper()
	var packed bytes.Buffer
	writer := gzip.NewWriter(&packed)
	_, err := writer.Write([]byte(body))
	require.NoError(t, err)
	require.NoError(t, writer.Close())
	return hubtest.Message{Body: [][]byte{packed.Bytes()}, Properties: &wire.Properties{ContentEncoding: "gzip"}}
}

func plain(body []byte) hubtest.Message { return hubtest.Message{Body: [][]byte{body}} }

// withNumbers returns a hub event with an audit event that has this many numbers in its requestObject.
func withNumbers(t *testing.T, count int) hubtest.Message {
	t.Helper()
	return plain(harness.AuditHubEvent(t, strings.Replace(harness.AuditEvent("0", 0), `"annotations"`,
		`"requestObject":{"data":`+numbers(count)+`},"annotations"`, 1)))
}

// costlyInput is a kind of hub event that would take far more memory than its size if all of it were parsed at once.
type costlyInput struct {
	message hubtest.Message
	// deadLetters is how many dead letters the hub event becomes. records is how many records it has.
	deadLetters, records int
}

// hugeInputs are hub events that would take gigabytes if their values were not counted before they are parsed.
func hugeInputs(t *testing.T) map[string]costlyInput {
	t.Helper()
	bomb := gzipped(t, numbers(8<<20-1))
	require.Len(t, bomb.Body[0], 16_341)
	return map[string]costlyInput{
		"a gzip bomb of 16 MiB of [1,1,…]":    {bomb, 1, 1},
		"1 MB of [1,1,…]":                     {plain([]byte(numbers(500_000))), 1, 1},
		"an audit event with 500,000 numbers": {withNumbers(t, 500_000), 1, 1},
	}
}

// ofAudit is the start of a text that is no JSON, but is of the audit log.
const ofAudit = `{"category":"kube-audit" `

// inputsAtTheBounds are hub events that are within a limit by little, or that are not read for another reason.
func inputsAtTheBounds(t *testing.T) map[string]costlyInput {
	t.Helper()
	padding := `"` + strings.Repeat("x", 700_000) + `"`
	records := strings.Repeat(`{"a":1},`, 19_999)
	cut := strings.Replace(harness.AuditEvent("0", 0), `"annotations"`, `"requestObject":`+numbers(99_000)+`,"a":`+padding+`,"annotations"`, 1)
	return map[string]costlyInput{
		"99,990 numbers in 1 MB":                  {plain([]byte(`{"a":` + numbers(99_990) + `,"b":` + padding + `}`)), 0, 1},
		"20,000 records that are none":            {plain([]byte(`{"records":[` + records + `{"a":` + padding + `}]}`)), 0, 20_000},
		"an audit event with 99,000 numbers, cut": {plain(harness.AuditHubEvent(t, strings.TrimSuffix(cut, "}"))), 1, 1},
		"a gzip bomb of 3 MiB of text":            {gzipped(t, ofAudit+strings.Repeat("text", 3<<18)), 1, 1},
		"a gzip bomb of 16 MiB of text":           {gzipped(t, ofAudit+strings.Repeat("text", 16<<18)), 1, 1},
		"a gzip bomb of a string of 3 MiB":        {gzipped(t, `{"a":"`+strings.Repeat("text", 3<<18)+`"}`), 0, 1},
	}
}

// residentUnder returns the daemon's highest resident size while it reads 32 partitions that are full of these hub
// events.
func residentUnder(t *testing.T, inputs ...costlyInput) int {
	t.Helper()
	hub, sink := harness.StartHub(t, heavyPartitions), harness.StartSink(t)
	deadLetters, records := 0, heavyPartitions
	for _, partition := range hub.PartitionIDs() {
		for range costlyBacklog {
			for _, input := range inputs {
				require.NotEqual(t, int64(-1), hub.AppendMessage(partition, input.message))
				deadLetters += input.deadLetters
				records += input.records
			}
		}
		hub.Append(partition, harness.AuditHubEvent(t, harness.AuditEvent(partition, 0)))
	}
	d := harness.RunDaemon(t, harness.ReleaseBinary(t), harness.HubSettings(t, hub, sink.URL).With(harness.Settings{
		"CHECKPOINTDIR": t.TempDir(), "LOGLEVEL": "", "SHUTDOWNTIMEOUT": "5s",
	}))
	harness.Wait(t, func() bool {
		done := 0.0
		for _, verdict := range []string{"delivered", "skipped", "dead_lettered"} {
			done += d.Metric(t, harness.VerdictSeries(verdict))
		}
		return done == float64(records)
	}, "%d records have a verdict", records)
	stored := 0
	for _, reason := range []string{"too_many_values", "not_json", "too_large"} {
		stored += int(d.Metric(t, `aks_audit_log_dead_letters_total{reason="`+reason+`"}`))
	}
	assert.Equal(t, deadLetters, stored)
	highest := highestResident(t, d.Process)
	d.Stop(t)
	return highest
}

// assertBounded asserts that the daemon stays within its memory limit.
func assertBounded(t *testing.T, inputs ...costlyInput) {
	t.Helper()
	highest := residentUnder(t, inputs...)
	t.Logf("highest resident size: %.1f MiB", float64(highest)/(1<<20))
	assert.Less(t, highest, memoryLimit)
}

func TestTheMemoryIsBoundedBeforeHubEventsOfTooManyValues(t *testing.T) {
	t.Parallel()
	var all []costlyInput
	for name, input := range hugeInputs(t) {
		all = append(all, input)
		t.Run(name, func(t *testing.T) { assertBounded(t, input) })
	}
	t.Run("all of them", func(t *testing.T) { assertBounded(t, all...) })
}

func TestTheMemoryIsBoundedBeforeHubEventsThatAreJustRead(t *testing.T) {
	t.Parallel()
	for name, input := range inputsAtTheBounds(t) {
		t.Run(name, func(t *testing.T) { assertBounded(t, input) })
	}
}
