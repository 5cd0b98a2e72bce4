package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/e2e/harness"
	"aks-audit-log-go/internal/hubtest"
)

// auditReader is a consumer group besides that of the daemon.
const auditReader = "audit-reader"

// history is what an emulated hub got in the last hours: one hub event a minute in each partition.
type history struct {
	*hubtest.Server
	// began is when the hub got the first hub event of each partition.
	began time.Time
	// events are the audit events by partition and by the minute in which the hub got them.
	events map[string][][]string
}

// startHistory starts a hub with this many hub events in each partition, and each audit events in a hub event.
func startHistory(t *testing.T, partitions, hubEvents, each int) *history {
	t.Helper()
	hub, err := hubtest.Start(hubtest.Config{Hub: harness.HubName, Partitions: partitions, ConsumerGroups: []string{auditReader}})
	require.NoError(t, err)
	t.Cleanup(hub.Close)
	h := &history{Server: hub, began: time.Now().Add(-time.Duration(hubEvents+1) * time.Minute).Truncate(time.Second), events: map[string][][]string{}}
	for _, partition := range hub.PartitionIDs() {
		for minute := range hubEvents {
			var events []string
			for n := range each {
				events = append(events, harness.AuditEvent(partition, minute*each+n))
			}
			h.events[partition] = append(h.events[partition], events)
			h.at(partition, minute, harness.AuditHubEvent(t, events...))
		}
	}
	return h
}

// at appends a hub event that the hub got in a minute.
func (h *history) at(partition string, minute int, body []byte) {
	h.AppendMessage(partition, hubtest.Message{Body: [][]byte{body}, Enqueued: h.minute(minute)})
}

// minute returns the time of a minute.
func (h *history) minute(n int) time.Time { return h.began.Add(time.Duration(n) * time.Minute) }

// between returns the audit events that the hub got from one minute until before another, sorted.
func (h *history) between(from, to int) []string {
	var events []string
	for _, all := range h.events {
		for _, some := range all[from:to] {
			events = append(events, some...)
		}
	}
	return slices.Sorted(slices.Values(events))
}

// stretch returns the flags for these minutes.
func (h *history) stretch(from, to int) []string {
	return []string{"replay", "-from", h.minute(from).Format(time.RFC3339), "-to", h.minute(to).Format(time.RFC3339)}
}

// replaySettings returns the settings of a replay to a sink.
func replaySettings(t *testing.T, h *history, sinkURL string) harness.Settings {
	t.Helper()
	return harness.HubSettings(t, h.Server, sinkURL).With(harness.SteadySettings()).With(harness.Settings{"CHECKPOINTDIR": t.TempDir()})
}

// startReplay starts a replay. It ends when the test ends, at the latest.
func startReplay(t *testing.T, s harness.Settings, args ...string) *harness.Process {
	t.Helper()
	p, err := harness.StartProcess(t.Context(), t.TempDir(), s.Environ(), harness.RaceBinary(t), args...)
	require.NoError(t, err)
	t.Cleanup(func() {
		assert.NoError(t, p.Signal(syscall.SIGKILL))
		assert.NotContains(t, p.Output.String(), "DATA RACE")
		if t.Failed() {
			t.Logf("the replay printed:\n%s", harness.Tail(p.Output.String()))
		}
	})
	return p
}

func TestAReplaySendsEachAuditEventOfItsStretchOnceAndDisturbsNoDaemon(t *testing.T) {
	t.Parallel()
	for _, client := range []string{harness.CurrentClient, harness.LegacyClient} {
		t.Run(client, func(t *testing.T) {
			t.Parallel()
			h, s, other, c := startHistory(t, 3, 40, 3), harness.StartSink(t), harness.StartSink(t), harness.NewBlobs(t)
			environ := harness.BlobSettings(t, h.Server, c, s.URL).With(harness.Settings{"EVENTHUBCLIENT": client})
			d := harness.StartDaemon(t, environ)
			s.Await(t, 360)
			harness.Wait(t, func() bool { return harness.CaughtUp(t, h.Server, c) }, "the daemon catches up")
			before, contents := c.Metadata(t), blobContents(t, c)

			code, stdout, stderr := harness.RunToEnd(t, environ, h.stretch(10, 30)...)
			assert.Equal(t, 1, code, stdout)
			assert.Contains(t, stderr, `the consumer group "$Default" is in use`)
			assert.Contains(t, stderr, "give it by -group audit-reader")

			code, stdout, stderr = harness.RunToEnd(t, environ, append(h.stretch(10, 30), "-group", auditReader, "-to-sink", other.URL)...)
			assert.Zero(t, code, stderr)
			assert.Contains(t, stdout, "180 audit events of 60 hub events were sent to "+other.URL)
			assert.Equal(t, h.between(10, 30), slices.Sorted(slices.Values(other.Accepted())))
			assert.Regexp(t, `^aks-audit-log-go/\S+ replay$`, other.LastRequest().UserAgent())

			assert.Equal(t, before, c.Metadata(t), "the checkpoints and ownerships")
			assert.Equal(t, contents, blobContents(t, c))
			h.Append("0", harness.AuditHubEvent(t, harness.AuditEvent("0", 1000)))
			assert.Len(t, s.Await(t, 361), 361, "the daemon repeats nothing")
			assert.Regexp(t, `^aks-audit-log-go/\S+$`, s.LastRequest().UserAgent())
			assert.Zero(t, d.Metric(t, `aks_audit_log_receive_failures_total{partition="0"}`))
			d.Stop(t)
		})
	}
}

// blobContents returns the contents of all blobs.
func blobContents(t *testing.T, c harness.Blobs) map[string]string {
	t.Helper()
	contents := map[string]string{}
	for name := range c.Metadata(t) {
		contents[name] = string(c.Content(t, name))
	}
	return contents
}

// savedState is what the file of -state has about a replay.
type savedState struct {
	Counts struct {
		Sent int `json:"sent"`
	} `json:"counts"`
}

// awaitSaved waits until this many audit events are confirmed.
func awaitSaved(t *testing.T, path string, sent int) {
	t.Helper()
	harness.Wait(t, func() bool {
		content, err := os.ReadFile(path) // #nosec G304 -- of this test
		var saved savedState
		return err == nil && json.Unmarshal(content, &saved) == nil && saved.Counts.Sent >= sent
	}, "%d audit events are confirmed", sent)
}

func TestAReplayThatIsKilledGoesOnAndLeavesNothingOut(t *testing.T) {
	t.Parallel()
	h, s := startHistory(t, 2, 300, 2), harness.StartSink(t)
	environ := replaySettings(t, h, s.URL)
	slow := environ.With(harness.Settings{"RATELIMITEREVENTSPERSECONDS": "100", "RATELIMITERBURST": "10"})
	path := filepath.Join(t.TempDir(), "state.json")
	args := append(h.stretch(20, 300), "-state", path)
	p := startReplay(t, slow, args...)
	awaitSaved(t, path, 50)
	require.True(t, p.Running(), "%s", p.Output)
	require.NoError(t, p.Signal(syscall.SIGKILL))
	assert.Less(t, len(s.Accepted()), 1120)

	code, stdout, stderr := harness.RunToEnd(t, environ, append(h.stretch(20, 299), "-state", path)...)
	assert.Equal(t, 2, code, stdout)
	assert.Contains(t, stderr, "-state "+path+" is of a replay -from ")

	code, stdout, stderr = harness.RunToEnd(t, environ, args...)
	assert.Zero(t, code, stderr)
	assert.Contains(t, stdout, "1120 audit events of 560 hub events were sent")
	assert.Equal(t, h.between(20, 300), slices.Compact(slices.Sorted(slices.Values(s.Accepted()))))
	assert.Less(t, len(s.Accepted()), 2*1120, "it does not begin again")

	posted := s.Posted()
	code, stdout, stderr = harness.RunToEnd(t, environ, args...)
	assert.Zero(t, code, stderr)
	assert.Contains(t, stdout, "1120 audit events of 560 hub events were sent")
	assert.Equal(t, posted, s.Posted(), "nothing is left to be sent")
}

func TestAReplayThatIsInterruptedSaysHowToGoOn(t *testing.T) {
	t.Parallel()
	for name, state := range map[string]bool{"with a state": true, "from a time": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, s := startHistory(t, 2, 300, 2), harness.StartSink(t)
			environ := replaySettings(t, h, "http://127.0.0.1:1")
			slow := environ.With(harness.Settings{"RATELIMITEREVENTSPERSECONDS": "100", "RATELIMITERBURST": "10"})
			args := append(h.stretch(20, 300), "-to-sink", s.URL)
			if state {
				args = append(args, "-state", filepath.Join(t.TempDir(), "it's a state"))
			}
			p := startReplay(t, slow, args...)
			s.Await(t, 100)
			require.NoError(t, p.Signal(syscall.SIGINT))
			assert.Equal(t, 1, p.ExitCode())
			assert.Contains(t, p.Output.String(), "aks-audit-log-go: replay: interrupted")
			sent := len(s.Accepted())
			assert.Less(t, sent, 1120)

			line := regexp.MustCompile(`(?m)^To go on: aks-audit-log-go (replay .*)$`).FindStringSubmatch(p.Output.String())
			require.NotNil(t, line, p.Output)
			code, stdout, stderr := harness.RunToEnd(t, environ, words(line[1])...)
			assert.Zero(t, code, stderr)
			assert.Equal(t, h.between(20, 300), slices.Compact(slices.Sorted(slices.Values(s.Accepted()))), stdout)
			repeated := len(s.Accepted()) - 1120
			if state {
				assert.LessOrEqual(t, repeated, 2, "but for a hub event of each partition that was not finished")
			} else {
				assert.Less(t, repeated, sent)
			}
		})
	}
}

// words splits a command line, as a shell that knows single quotes does.
func words(line string) (words []string) {
	for _, match := range regexp.MustCompile(`(?:'[^']*'|\\'|[^' ])+`).FindAllString(line, -1) {
		word := strings.ReplaceAll(match, `'\''`, "\x00")
		words = append(words, strings.ReplaceAll(strings.ReplaceAll(word, "'", ""), "\x00", "'"))
	}
	return words
}

func TestADryRunOfAReplaySendsNothing(t *testing.T) {
	t.Parallel()
	h, s := startHistory(t, 2, 20, 3), harness.StartSink(t)
	h.at("0", 20, []byte("this is not JSON"))
	h.at("0", 20, harness.HubEvent(t, harness.RecordOf("kube-audit", "neither is this"), harness.RecordOf("kube-scheduler", harness.KlogLine)))
	args := []string{"replay", "-from", "24h", "-dry-run"}
	code, stdout, stderr := harness.RunToEnd(t, replaySettings(t, h, s.URL), args...)
	assert.Zero(t, code, stderr)
	assert.Contains(t, stdout, "120 audit events of 42 hub events would be sent to "+s.URL)
	assert.Contains(t, stdout, "2 records of other log categories: skipped.")
	assert.Contains(t, stdout, "1 record that cannot be read or used: not sent, and not stored as dead letters again (not_json 1).")
	assert.Zero(t, s.Posted())
}

func TestAReplayToASinkThatRefusesSaysWhatWasNotAccepted(t *testing.T) {
	t.Parallel()
	h, s := startHistory(t, 1, 20, 3), harness.StartSink(t)
	environ := replaySettings(t, h, s.URL).With(fewRetries)
	s.Refuse(h.events["0"][7][1])
	code, stdout, stderr := harness.RunToEnd(t, environ, h.stretch(0, 20)...)
	assert.Equal(t, 1, code, stdout)
	assert.Contains(t, stderr, "not everything could be sent; see above")
	assert.Contains(t, stdout, "59 audit events of 20 hub events were sent")
	assert.Contains(t, stdout, "1 audit event refused by the sink:\n  partition 0, hub event 7, record 1, audit id "+harness.AuditID("0", 22)+": ")
	assert.NotContains(t, stdout, "To go on")
	assert.Len(t, s.Accepted(), 59)

	for _, status := range []int{http.StatusServiceUnavailable, http.StatusNotFound, http.StatusBadRequest} {
		s.AnswerWith(status)
		path := filepath.Join(t.TempDir(), fmt.Sprint(status))
		args := append(h.stretch(0, 20), "-state", path)
		code, stdout, stderr = harness.RunToEnd(t, environ, args...)
		assert.Equal(t, 1, code, stdout)
		assert.Contains(t, stderr, "the sink does not take the audit events: ")
		assert.Contains(t, stderr, fmt.Sprint(status))
		assert.NotContains(t, stderr, "dropped")
		assert.Contains(t, stdout, "To go on: ")
		assert.Contains(t, stdout, " -state "+path)
	}
	assert.Len(t, s.Accepted(), 59)
}

func TestAReplayHonoursTheRateLimit(t *testing.T) {
	t.Parallel()
	h, s := startHistory(t, 2, 60, 2), harness.StartSink(t)
	const rate, burst = 60, 20
	environ := replaySettings(t, h, s.URL).With(harness.Settings{"RATELIMITEREVENTSPERSECONDS": fmt.Sprint(rate), "RATELIMITERBURST": fmt.Sprint(burst)})
	began := time.Now()
	code, _, stderr := harness.RunToEnd(t, environ, h.stretch(0, 60)...)
	require.Zero(t, code, stderr)
	require.Len(t, s.Accepted(), 240)
	// On a busy machine, it only takes longer.
	assert.GreaterOrEqual(t, s.LastTook().Sub(began), (240-burst)*time.Second/rate)
}

func TestAReplaySaysWhereRetentionBegins(t *testing.T) {
	t.Parallel()
	h, s := startHistory(t, 1, 20, 1), harness.StartSink(t)
	h.Truncate("0", 5)
	code, stdout, stderr := harness.RunToEnd(t, replaySettings(t, h, s.URL), h.stretch(2, 20)...)
	assert.Zero(t, code, stderr)
	oldest := h.minute(5).UTC().Format(time.RFC3339)
	assert.Contains(t, stderr, "the hub holds nothing before "+oldest+" any more: replaying from there")
	assert.Contains(t, stdout, "The hub holds nothing before "+oldest+" any more")
	assert.Equal(t, h.between(5, 20), slices.Sorted(slices.Values(s.Accepted())))
}

func TestTheSinkOfAReplayIsCheckedLikeThatOfTheDaemon(t *testing.T) {
	t.Parallel()
	h := startHistory(t, 1, 1, 1)
	code, _, stderr := harness.RunToEnd(t, replaySettings(t, h, "http://127.0.0.1:1"), "replay", "-from", "1h", "-to-sink", "falco:9765")
	assert.Equal(t, 2, code)
	assert.Contains(t, stderr, `WEBSINKURL is "falco:9765": it should be `)
}
