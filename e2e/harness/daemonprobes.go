package harness

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Readyz returns the answer of the readiness probe.
func (d *Daemon) Readyz(t *testing.T) (status int, body string) {
	t.Helper()
	return Get(t.Context(), d.StatsURL+"/readyz")
}

// AwaitReady waits until the readiness probe answers 200.
func (d *Daemon) AwaitReady(t *testing.T) {
	t.Helper()
	Wait(t, func() bool { status, _ := d.Readyz(t); return status == 200 }, "the daemon is ready")
}

// Metric returns the value of a series of /metrics, such as `a_total{verdict="delivered"}`, or -1 if there is no such
// series.
func (d *Daemon) Metric(t *testing.T, series string) float64 {
	t.Helper()
	_, page := Get(t.Context(), d.StatsURL+"/metrics")
	for line := range strings.Lines(page) {
		if value, found := strings.CutPrefix(line, series+" "); found {
			number, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			require.NoError(t, err)
			return number
		}
	}
	return -1
}

// AwaitMetric waits until a series has a value.
func (d *Daemon) AwaitMetric(t *testing.T, series string, want float64) {
	t.Helper()
	Wait(t, func() bool { return d.Metric(t, series) == want }, "%s is %v", series, want)
}

// AwaitAtLeast waits until a series has reached a value. A counter of deliveries exceeds the value if events are
// redelivered.
func (d *Daemon) AwaitAtLeast(t *testing.T, series string, least float64) {
	t.Helper()
	Wait(t, func() bool { return d.Metric(t, series) >= least }, "%s is at least %v", series, least)
}

// VerdictSeries returns the series that counts the records with a verdict.
func VerdictSeries(verdict string) string {
	return `aks_audit_log_records_total{verdict="` + verdict + `"}`
}

// LagSeries returns the series with how many hub events of a partition are still to handle.
func LagSeries(partition string) string {
	return `aks_audit_log_partition_lag_events{partition="` + partition + `"}`
}

// AwaitCaughtUp waits until one of the daemons has handled all hub events of each partition. After a kill, all audit
// events may have arrived before the next daemon has read them again. A daemon that stops at that moment writes no
// checkpoint for them.
func AwaitCaughtUp(t *testing.T, partitions []string, daemons ...*Daemon) {
	t.Helper()
	for _, partition := range partitions {
		series := LagSeries(partition)
		caughtUp := func(d *Daemon) bool { return d.Metric(t, series) == 0 }
		Wait(t, func() bool { return slices.ContainsFunc(daemons, caughtUp) }, "%s is 0 in one daemon", series)
	}
}

// PartitionsOwned is the series with the number of partitions that the daemon owns.
const PartitionsOwned = "aks_audit_log_partitions_owned"

// LogLines parses what the daemon has printed, which is one JSON object on each line.
func (d *Daemon) LogLines(t *testing.T) []map[string]any {
	t.Helper()
	var lines []map[string]any
	for text := range strings.Lines(d.Output.String()) {
		var line map[string]any
		require.NoError(t, json.Unmarshal([]byte(text), &line), "a log line is JSON: %s", text)
		lines = append(lines, line)
	}
	return lines
}

// AwaitDeliveries waits until a daemon has delivered more audit events than before the call.
func AwaitDeliveries(t *testing.T, d *Daemon) {
	t.Helper()
	delivered := d.Metric(t, VerdictSeries("delivered"))
	Wait(t, func() bool { return d.Metric(t, VerdictSeries("delivered")) > delivered+10 }, "the daemon delivers")
}

// AcceptedEvents returns how many of the daemon's audit events the sink has answered with 2xx, including redelivered
// ones.
func (d *Daemon) AcceptedEvents(t *testing.T) int {
	t.Helper()
	return int(max(0, d.Metric(t, "falco_aks_audit_log_events_success")))
}

// AwaitReceiveFailures waits until receiving from partitions 0 and 1 has failed this many more times.
func (d *Daemon) AwaitReceiveFailures(t *testing.T, times float64) {
	t.Helper()
	failures := func() float64 {
		return d.Metric(t, `aks_audit_log_receive_failures_total{partition="0"}`) + d.Metric(t, `aks_audit_log_receive_failures_total{partition="1"}`)
	}
	before := failures()
	Wait(t, func() bool { return failures() >= before+times }, "receiving failed %v times more", times)
}

// AwaitReason waits until /readyz and the log give this reason why the daemon is not ready.
func (d *Daemon) AwaitReason(t *testing.T, want string) {
	t.Helper()
	plain := strings.ReplaceAll(want, `\"`, `"`)
	Wait(t, func() bool {
		status, text := d.Readyz(t)
		return status == http.StatusServiceUnavailable && strings.Contains(text, plain)
	}, "/readyz says %s", plain)
	Wait(t, func() bool { return d.Output.Contains(want) }, "the log says %s", want)
}

// Pages returns all pages of the statistics server as one text.
func (d *Daemon) Pages(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for _, path := range []string{"/", "/metrics", "/healthz", "/readyz", "/status.json"} {
		_, body := Get(t.Context(), d.StatsURL+path)
		all.WriteString(body)
	}
	return all.String()
}

// AwaitSinkFailure waits until the retries of an audit event are exhausted and the readiness probe reports it.
func AwaitSinkFailure(t *testing.T, d *Daemon) {
	t.Helper()
	Wait(t, func() bool {
		return d.Metric(t, "falco_aks_audit_log_events_errors") >= 1 && d.Metric(t, "falco_aks_audit_log_events_retry") >= 2
	}, "the retries are used up")
	Wait(t, func() bool { status, _ := d.Readyz(t); return status == http.StatusServiceUnavailable },
		"the daemon reports that it is not ready")
	_, why := d.Readyz(t)
	assert.Contains(t, why, "sink", "the reason for not being ready")
	status, _ := Get(t.Context(), d.StatsURL+"/healthz")
	assert.Equal(t, http.StatusOK, status, "a sink that is down is no reason to restart the daemon")
}

// AwaitHealthy waits until the liveness probe succeeds.
func (d *Daemon) AwaitHealthy(t *testing.T) {
	t.Helper()
	d.AwaitHealth(t, http.StatusOK, "")
}

// AwaitHealth waits until the liveness probe answers with this status, and a text that matches form.
func (d *Daemon) AwaitHealth(t *testing.T, status int, form string) {
	t.Helper()
	said := regexp.MustCompile(form)
	Wait(t, func() bool {
		got, why := Get(t.Context(), d.StatsURL+"/healthz")
		return got == status && said.MatchString(why)
	}, "/healthz answers %d %s", status, form)
}
