package e2e

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/e2e/harness"
	"aks-audit-log-go/internal/hubtest"
)

// backlogStatus is the part of /status.json about a backlog.
type backlogStatus struct {
	Backlog *struct {
		HubEvents            int64    `json:"hub_events"`
		OldestAgeSeconds     float64  `json:"oldest_age_seconds"`
		HubEventsPerSecond   float64  `json:"hub_events_per_second"`
		AuditEventsPerSecond float64  `json:"audit_events_per_second"`
		CatchUpSeconds       *float64 `json:"catchup_seconds"`
	} `json:"backlog"`
}

const (
	catchUpSeries = "aks_audit_log_catchup_seconds"
	behindLine    = "behind the hub by more than a minute"
	caughtUpLine  = "caught up with the hub"
)

// TestABacklogIsToldUntilItIsCaughtUp starts with 200 hub events in each of two partitions, which are two hours old.
// The sink first accepts none of them, and then each of them slowly.
func TestABacklogIsToldUntilItIsCaughtUp(t *testing.T) {
	t.Parallel()
	const partitions, perPartition = 2, 200
	hub := harness.StartHub(t, partitions)
	old := time.Now().Add(-2 * time.Hour)
	for n := range perPartition {
		for _, id := range hub.PartitionIDs() {
			body := harness.AuditHubEvent(t, harness.AuditEvent(id, 2*n), harness.AuditEvent(id, 2*n+1))
			hub.AppendMessage(id, hubtest.Message{Body: [][]byte{body}, Enqueued: old.Add(time.Duration(n) * time.Second)})
		}
	}
	s := harness.StartSink(t)
	s.AnswerWith(http.StatusServiceUnavailable)
	d := harness.StartDaemon(t, harness.HubSettings(t, hub, s.URL).With(harness.Settings{
		"CHECKPOINTDIR": t.TempDir(), "EVENTHUBSTARTPOSITION": "earliest", "LOGLEVEL": "info",
		"POSTMAXRETRIES": "1", "POSTRETRYINCREMENTALDELAY": "1", "POSTBATCHMAXEVENTS": "2", "RATELIMITEREVENTSPERSECONDS": "25",
	}))

	harness.AwaitCount(t, partitions, func() int { return len(linesOf(t, d, "partition starts, and hub events are waiting in it")) }, "partitions start behind the hub")
	awaitLine(t, d, behindLine)
	for _, start := range linesOf(t, d, "partition starts") {
		assert.InDelta(t, perPartition, start["waiting"], 0)
		assert.Contains(t, start["oldest_age"], "at least 1h56m", "the newest is that old")
	}
	for _, start := range linesOf(t, d, "partition starts, and hub events are waiting in it") {
		assert.Contains(t, start["oldest_age"], "2h0m")
	}
	held := linesOf(t, d, behindLine)[0]
	assert.Equal(t, "info", held["level"])
	assert.GreaterOrEqual(t, held["hub_events_left"], float64(perPartition), "the other partition may be claimed later")
	assert.Contains(t, held["oldest_age"], "2h0m")
	assert.Equal(t, "unknown", held["time_to_catch_up"])
	var status backlogStatus
	harness.Wait(t, func() bool {
		status = readBacklog(t, d)
		return status.Backlog != nil && status.Backlog.HubEvents == partitions*perPartition
	}, "/status.json has all hub events")
	assert.Nil(t, status.Backlog.CatchUpSeconds)
	_, page := harness.Get(t.Context(), d.StatsURL+"/metrics")
	assert.Contains(t, page, catchUpSeries+" +Inf\n")

	s.AnswerWith(http.StatusOK)
	harness.Wait(t, func() bool {
		status = readBacklog(t, d)
		return status.Backlog != nil && status.Backlog.CatchUpSeconds != nil
	}, "/status.json has an estimate")
	assert.Positive(t, status.Backlog.HubEvents)
	assert.Less(t, status.Backlog.HubEvents, int64(partitions*perPartition))
	assert.Greater(t, status.Backlog.OldestAgeSeconds, 6900.0)
	assert.Positive(t, status.Backlog.HubEventsPerSecond)
	assert.Positive(t, status.Backlog.AuditEventsPerSecond)
	assert.Positive(t, *status.Backlog.CatchUpSeconds)
	assert.Positive(t, d.Metric(t, catchUpSeries))

	s.Await(t, 2*partitions*perPartition)
	awaitLine(t, d, caughtUpLine)
	over := linesOf(t, d, caughtUpLine)[0]
	assert.InDelta(t, partitions*perPartition, over["hub_events"], 0)
	assert.InDelta(t, 2*partitions*perPartition, over["audit_events"], 0)
	assert.Nil(t, readBacklog(t, d).Backlog)
	assert.Zero(t, d.Metric(t, catchUpSeries))
	assertOneAMinute(t, linesOf(t, d, behindLine))
}

// assertOneAMinute asserts that the whole daemon logged a line at most once a minute.
func assertOneAMinute(t *testing.T, lines []map[string]any) {
	t.Helper()
	var last time.Time
	for _, line := range lines {
		text, _ := line["time"].(string)
		at, err := time.Parse(time.RFC3339Nano, text)
		require.NoError(t, err)
		if !last.IsZero() {
			assert.GreaterOrEqual(t, at.Sub(last), 50*time.Second)
		}
		last = at
	}
}

func awaitLine(t *testing.T, d *harness.Daemon, message string) {
	t.Helper()
	harness.Wait(t, func() bool { return d.Output.Contains(`"msg":"` + message + `"`) }, "the log says %q", message)
}

// linesOf returns the lines of the log with a message.
func linesOf(t *testing.T, d *harness.Daemon, message string) (found []map[string]any) {
	t.Helper()
	for _, line := range d.LogLines(t) {
		if line["msg"] == message {
			found = append(found, line)
		}
	}
	return found
}

func readBacklog(t *testing.T, d *harness.Daemon) (status backlogStatus) {
	t.Helper()
	_, body := harness.Get(t.Context(), d.StatsURL+"/status.json")
	require.NoError(t, json.Unmarshal([]byte(body), &status))
	return status
}
