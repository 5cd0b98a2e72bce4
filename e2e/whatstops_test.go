//go:build look

package e2e

import (
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/e2e/harness"
	"aks-audit-log-go/internal/hubtest"
)

// stop is something that stops reading: settings that the daemon starts with, or what happens to it once it reads.
type stop struct {
	settings harness.Settings
	strike   func(hub *hubtest.Server, sink *harness.Sink)
}

// stops are the rows of the table "What stops reading" of docs/operations.md, by their first cell.
func stops(t *testing.T) map[string]stop {
	return map[string]stop{
		"The consumer group does not exist": {settings: harness.Settings{"EVENTHUBCONSUMERGROUP": "falcon"}},
		"The event hub does not exist":      {settings: harness.Settings{"EVENTHUBNAME": "other"}},
		"The key is taken away, or the role": {strike: func(hub *hubtest.Server, _ *harness.Sink) {
			hub.RefuseTokens(true)
			hub.DropConnections()
		}},
		"The hub does not open the partitions": {strike: func(hub *hubtest.Server, _ *harness.Sink) {
			hub.RefuseAttaches("com.microsoft:server-busy")
			hub.DropConnections()
		}},
		"The hub cannot be reached": {strike: func(hub *hubtest.Server, _ *harness.Sink) {
			hub.RefuseConnections(true)
			hub.DropConnections()
		}},
		"The hub does not answer any more": {strike: goSilent},
		"… for `WATCHDOGTIMEOUT`":          {settings: harness.Settings{"WATCHDOGTIMEOUT": "20s"}, strike: goSilent},
		"The storage is away at the start": {settings: harness.Settings{
			"CHECKPOINTDIR": "", "BLOBCONTAINERNAME": "audit",
			"BLOBSTORAGECONNECTIONSTRING": "DefaultEndpointsProtocol=http;AccountName=a;AccountKey=YQ==;BlobEndpoint=http://" + harness.FreeAddress(t) + "/a",
		}},
		"Falco takes nothing": {strike: func(hub *hubtest.Server, sink *harness.Sink) {
			sink.AnswerWith(http.StatusServiceUnavailable)
			appendPairs(t, hub, 10, 1)
		}},
	}
}

func goSilent(hub *hubtest.Server, _ *harness.Sink) { hub.GoSilent(true) }

// whatStopsReading returns the rows of the table: the text of the first cell, and what stands in code in the others.
func whatStopsReading(t *testing.T) map[string][]string {
	t.Helper()
	guide, err := os.ReadFile("../docs/operations.md")
	require.NoError(t, err)
	_, section, found := strings.Cut(string(guide), "\n### What stops reading\n")
	require.True(t, found)
	section, _, _ = strings.Cut(section, "\n### ")
	code := regexp.MustCompile("`([^`]+)`")
	rows := map[string][]string{}
	for line := range strings.Lines(section) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
		if len(cells) != 5 || !strings.Contains(cells[1], "`") {
			continue
		}
		var says []string
		for _, cell := range cells[1:] {
			says = append(says, code.FindStringSubmatch(cell)[1])
		}
		rows[strings.TrimSpace(cells[0])] = says
	}
	return rows
}

func TestWhatStopsReadingIsRedEverywhere(t *testing.T) {
	t.Parallel()
	rows, all := whatStopsReading(t), stops(t)
	require.ElementsMatch(t, slices.Collect(maps.Keys(all)), slices.Collect(maps.Keys(rows)))
	for name, says := range rows {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assertRed(t, all[name], says[0], says[1], says[2], says[3])
		})
	}
}

// assertRed asserts that a daemon whose reading is stopped says so in each of the five places.
func assertRed(t *testing.T, stop stop, log, reason, metric, alert string) {
	t.Helper()
	hub, sink := harness.StartHub(t, 2), harness.StartSink(t)
	settings := harness.PageSettings(t, hub, sink.URL).With(harness.Settings{"LOGLEVEL": "info"}).With(stop.settings)
	d := harness.StartDaemon(t, settings)
	appendPairs(t, hub, 0, 1)
	if stop.strike != nil {
		d.AwaitReady(t)
		sink.Await(t, 2)
		stop.strike(hub, sink)
		defer func() { // so that it can stop in good order
			hub.GoSilent(false)
			sink.AnswerWith(http.StatusOK)
		}()
	}
	harness.Wait(t, func() bool { return d.Output.Contains(log) }, "the log says %s", log)
	harness.Wait(t, func() bool {
		status, text := d.Readyz(t)
		return status == http.StatusServiceUnavailable && strings.Contains(text, reason)
	}, "/readyz says %s", reason)
	_, page := harness.Get(t.Context(), d.StatsURL+"/status.json")
	assert.Contains(t, page, reason, "what the page shows")
	prometheus := harness.StartPrometheus(t, d)
	prometheus.AwaitResult(t, metric)
	prometheus.AwaitResult(t, readExpr(t, alert))
}
