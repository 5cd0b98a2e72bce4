package e2e

import (
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/internal/hubtest"
)

const hubName = "insights-logs-kube-audit"

// settings are environment variables of a daemon.
type settings map[string]string

// with answers a copy in which others are set too; an empty value unsets.
func (s settings) with(others settings) settings {
	all := maps.Clone(s)
	for name, value := range others {
		if value == "" {
			delete(all, name)
		} else {
			all[name] = value
		}
	}
	return all
}

func (s settings) environ() []string {
	environ := []string{}
	for name, value := range s {
		environ = append(environ, name+"="+value)
	}
	return environ
}

// startHub starts an emulated Event Hub of the test's own.
func startHub(t *testing.T, partitions int) *hubtest.Server {
	t.Helper()
	hub, err := hubtest.Start(hubtest.Config{Hub: hubName, Partitions: partitions})
	require.NoError(t, err)
	t.Cleanup(hub.Close)
	return hub
}

// hubSettings make a daemon read hub, trust its certificate and post to sinkURL.
func hubSettings(t *testing.T, hub *hubtest.Server, sinkURL string) settings {
	t.Helper()
	caFile := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(caFile, hub.CAPEM(), 0o600))
	return settings{
		"SSL_CERT_FILE":                 caFile,
		"EHUBNAMESPACECONNECTIONSTRING": hub.ConnectionString(),
		"EVENTHUBNAME":                  hub.HubName(),
		"WEBSINKURL":                    sinkURL,
		"STATSADDRESS":                  freeAddress(t),
		"LOGLEVEL":                      "debug",
		// A stop waits for it. TestAStopWithTheDefaultSettleTime has the default.
		"SINKSETTLETIME": "300ms",
	}
}

// blobSettings are hubSettings with the checkpoints in a container.
func blobSettings(t *testing.T, hub *hubtest.Server, c container, sinkURL string) settings {
	t.Helper()
	return hubSettings(t, hub, sinkURL).with(settings{
		"BLOBSTORAGECONNECTIONSTRING": storage(t).connectionString(),
		"BLOBCONTAINERNAME":           c.name,
	})
}

// daemon is a running aks-audit-log-go.
type daemon struct {
	*process
	stats string // http://host:port of its statistics server
}

// startDaemon runs the race-checked binary with just these settings. Unless the test ends it
// itself it has to end cleanly with the test.
func startDaemon(t *testing.T, s settings) *daemon {
	t.Helper()
	return runDaemon(t, daemonBinary(t), s)
}

func runDaemon(t *testing.T, binary string, s settings) *daemon {
	t.Helper()
	p, err := startProcess(t.Context(), t.TempDir(), s.environ(), binary)
	require.NoError(t, err)
	d := &daemon{process: p, stats: "http://" + s["STATSADDRESS"]}
	t.Cleanup(func() { d.end(t) })
	return d
}

// end is the clean-up: it stops a daemon that still runs and looks at what it printed.
func (d *daemon) end(t *testing.T) {
	t.Helper()
	if d.running() {
		assert.NoError(t, d.signal(syscall.SIGTERM))
		assert.Zero(t, d.exitCode(), "the daemon's exit code after SIGTERM")
	}
	assert.NotContains(t, d.out.String(), "DATA RACE", "the daemon's race detector found something")
	if t.Failed() {
		t.Logf("the daemon printed:\n%s", lastOf(d.out.String()))
	}
}

// lastOf is the end of a long text.
func lastOf(text string) string {
	const enough = 20000
	if len(text) <= enough {
		return text
	}
	return "…" + text[len(text)-enough:]
}

// stop sends SIGTERM, waits for the end and demands exit code 0.
func (d *daemon) stop(t *testing.T) {
	t.Helper()
	require.True(t, d.running(), "the daemon ended before it was stopped")
	require.NoError(t, d.signal(syscall.SIGTERM))
	require.Zero(t, d.exitCode(), "exit code after SIGTERM")
}

// kill ends it as kill -9 does.
func (d *daemon) kill(t *testing.T) {
	t.Helper()
	require.NoError(t, d.signal(syscall.SIGKILL))
}

// readyz answers what the readiness probe gets.
func (d *daemon) readyz(t *testing.T) (status int, body string) {
	t.Helper()
	return get(t.Context(), d.stats+"/readyz")
}

// awaitReady waits until the readiness probe passes.
func (d *daemon) awaitReady(t *testing.T) {
	t.Helper()
	eventually(t, func() bool { status, _ := d.readyz(t); return status == 200 }, "the daemon is ready")
}

// metric reads one series of /metrics, such as `a_total{verdict="delivered"}`; one that is
// not there is -1.
func (d *daemon) metric(t *testing.T, series string) float64 {
	t.Helper()
	_, page := get(t.Context(), d.stats+"/metrics")
	for line := range strings.Lines(page) {
		if value, found := strings.CutPrefix(line, series+" "); found {
			number, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			require.NoError(t, err)
			return number
		}
	}
	return -1
}

// awaitMetric waits until a series has a value.
func (d *daemon) awaitMetric(t *testing.T, series string, want float64) {
	t.Helper()
	eventually(t, func() bool { return d.metric(t, series) == want }, "%s is %v", series, want)
}

// verdicts is the series that counts the records with a verdict.
func verdicts(verdict string) string {
	return `aks_audit_log_records_total{verdict="` + verdict + `"}`
}

// partitionsOwned is the series with the number of partitions that a daemon owns.
const partitionsOwned = "aks_audit_log_partitions_owned"
