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

// stop is what stops reading: settings with which the daemon starts, or what happens after it has started to read.
type stop struct {
	settings harness.Settings
	strike   func(hub *hubtest.Server, sink *harness.Sink)
}

// stops returns the causes in the section "What stops reading" of docs/operations.md, by the first cells of its
// tables.
func stops(t *testing.T) map[string]stop {
	return map[string]stop{
		"The consumer group does not exist": {settings: harness.Settings{"EVENTHUBCONSUMERGROUP": "falcon"}},
		"The event hub does not exist":      {settings: harness.Settings{"EVENTHUBNAME": "other"}},
		"The key or the role is taken away": {strike: func(hub *hubtest.Server, _ *harness.Sink) {
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
		"The hub does not answer any more":        {strike: goSilent},
		"The hub is silent for `WATCHDOGTIMEOUT`": {settings: harness.Settings{"WATCHDOGTIMEOUT": "20s"}, strike: goSilent},
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

// symptoms show that reading has stopped.
type symptoms struct{ log, reason, metric, alert string }

// whatStopsReading returns the symptoms of each cause in that section. A line with an alert and its metric precedes
// the table of the causes for which the alert fires.
func whatStopsReading(t *testing.T) map[string]symptoms {
	t.Helper()
	guide, err := os.ReadFile("../docs/operations.md")
	require.NoError(t, err)
	_, section, found := strings.Cut(string(guide), "\n### What stops reading\n")
	require.True(t, found)
	section, _, _ = strings.Cut(section, "\n### ")
	alert := regexp.MustCompile("^`(AksAuditLog[A-Za-z]+)`, `([^`]+)`:$")
	row := regexp.MustCompile(`^\| (.+) \| ` + "`([^`]+)`" + ` \| ` + "`([^`]+)`" + ` \|$`)
	causes := map[string]symptoms{}
	var current symptoms
	for line := range strings.Lines(section) {
		line = strings.TrimSpace(line)
		if match := alert.FindStringSubmatch(line); match != nil {
			current = symptoms{alert: match[1], metric: match[2]}
		}
		if match := row.FindStringSubmatch(line); match != nil {
			cause := current
			cause.log, cause.reason = match[2], match[3]
			causes[match[1]] = cause
		}
	}
	return causes
}

func TestWhatStopsReadingIsRedEverywhere(t *testing.T) {
	t.Parallel()
	causes, all := whatStopsReading(t), stops(t)
	require.ElementsMatch(t, slices.Collect(maps.Keys(all)), slices.Collect(maps.Keys(causes)))
	for name, shown := range causes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assertRed(t, all[name], shown)
		})
	}
}

// assertRed asserts that a daemon that has stopped reading says so in each of the five places.
func assertRed(t *testing.T, stop stop, shown symptoms) {
	t.Helper()
	hub, sink := harness.StartHub(t, 2), harness.StartSink(t)
	settings := harness.PageSettings(t, hub, sink.URL).With(harness.Settings{"LOGLEVEL": "info"}).With(stop.settings)
	d := harness.StartDaemon(t, settings)
	appendPairs(t, hub, 0, 1)
	if stop.strike != nil {
		d.AwaitReady(t)
		sink.Await(t, 2)
		stop.strike(hub, sink)
		defer func() { // so that it can stop in the normal way
			hub.GoSilent(false)
			sink.AnswerWith(http.StatusOK)
		}()
	}
	harness.Wait(t, func() bool { return d.Output.Contains(shown.log) }, "the log says %s", shown.log)
	harness.Wait(t, func() bool {
		status, text := d.Readyz(t)
		return status == http.StatusServiceUnavailable && strings.Contains(text, shown.reason)
	}, "/readyz says %s", shown.reason)
	_, page := harness.Get(t.Context(), d.StatsURL+"/status.json")
	assert.Contains(t, page, shown.reason, "what the page shows")
	prometheus := harness.StartPrometheus(t, d)
	prometheus.AwaitResult(t, shown.metric)
	prometheus.AwaitResult(t, readExpr(t, shown.alert))
}
