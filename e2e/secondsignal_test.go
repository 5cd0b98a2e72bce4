package e2e

import (
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/e2e/harness"
)

// startHanging starts a daemon whose stop takes long, because the sink does not answer.
func startHanging(t *testing.T, s *scriptedSink, environ harness.Settings) *harness.Daemon {
	t.Helper()
	s.set(neverAnswering)
	d := harness.StartDaemon(t, environ)
	harness.Wait(t, func() bool { return s.met() > 0 }, "a POST is in flight")
	return d
}

func TestASecondSignalASecondLaterEndsTheDaemonAtOnce(t *testing.T) {
	t.Parallel()
	for name, signals := range map[string][]syscall.Signal{
		"SIGTERM":            {syscall.SIGTERM},
		"SIGINT":             {syscall.SIGINT},
		"SIGINT and SIGTERM": {syscall.SIGINT, syscall.SIGTERM},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hub, s := harness.StartHub(t, 1), startScriptedSink(t, harness.FreeAddress(t))
			fed := harness.NewFeed(hub)
			fed.Add(t, 3, 2)
			environ := harness.HubSettings(t, hub, s.URL).With(harness.Settings{"CHECKPOINTDIR": t.TempDir(), "POSTTIMEOUT": "5m"})
			d := startHanging(t, s, environ)

			// Signals within a second of the first one count as the same, and the next one does not.
			first, n := time.Now(), 0
			harness.Wait(t, func() bool {
				_ = d.Cmd.Process.Signal(signals[n%len(signals)])
				n++
				return !d.Running()
			}, "the daemon ends")
			assert.GreaterOrEqual(t, time.Since(first), time.Second)
			assert.Equal(t, 1, d.ExitCode())
			lines := d.LogLines(t)
			last := lines[len(lines)-1]
			assert.Contains(t, last["msg"], "ended at once by a second signal")
			assert.Equal(t, "error", last["level"])
			assert.NotContains(t, d.Output.String(), "daemon stopped")

			s.set(nil)
			again := harness.StartDaemon(t, environ)
			harness.AwaitCount(t, fed.Total(), func() int { return len(s.accepted()) }, "audit events are left to deliver")
			again.Stop(t)
			fed.AssertOnceInOrder(t, s.accepted())
		})
	}
}

func TestASecondSignalAtOnceCountsAsTheFirst(t *testing.T) {
	t.Parallel()
	hub, s := harness.StartHub(t, 1), startScriptedSink(t, harness.FreeAddress(t))
	fed := harness.NewFeed(hub)
	fed.Add(t, 3, 2)
	environ := harness.HubSettings(t, hub, s.URL).With(harness.Settings{"CHECKPOINTDIR": t.TempDir(), "POSTTIMEOUT": "5m"})
	s.set(neverAnswering)
	d := harness.StartDaemon(t, environ)
	harness.Wait(t, func() bool { return s.met() > 0 }, "a POST is in flight")
	require.NoError(t, d.Cmd.Process.Signal(syscall.SIGINT))
	require.NoError(t, d.Cmd.Process.Signal(syscall.SIGTERM))
	harness.Wait(t, func() bool { _, why := d.Readyz(t); return why != "" }, "the daemon answers still")
	s.set(nil)
	s.CloseClientConnections() // the POST in flight ends
	require.NoError(t, d.Wait())
	assert.Zero(t, d.ExitCode())
	assert.True(t, d.Output.Contains("daemon stopped"))
}

func TestTheStartIsLoggedWithTheBuildAndTheRuntime(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		settings    harness.Settings
		procs       float64
		memoryLimit float64
	}{
		"as set":  {harness.Settings{"GOMAXPROCS": "1", "GOMEMLIMIT": "100MiB"}, 1, 100 << 20},
		"none":    {harness.Settings{"AUTOMEMLIMIT": "off"}, 0, 1<<63 - 1},
		"default": {nil, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hub, s := harness.StartHub(t, 1), harness.StartSink(t)
			d := harness.StartDaemon(t, harness.HubSettings(t, hub, s.URL).With(harness.Settings{"CHECKPOINTDIR": t.TempDir()}).With(test.settings))
			d.AwaitReady(t)
			d.Stop(t)
			for _, line := range d.LogLines(t) {
				if line["msg"] != "daemon starts" {
					continue
				}
				assert.NotEmpty(t, line["version"])
				assert.NotEmpty(t, line["revision"])
				assert.Equal(t, runtime.Version(), line["go_version"])
				assert.Positive(t, line["gomaxprocs"])
				assert.Positive(t, line["gomemlimit"])
				if test.procs > 0 {
					assert.InDelta(t, test.procs, line["gomaxprocs"], 0)
				}
				if test.memoryLimit > 0 {
					assert.InEpsilon(t, test.memoryLimit, line["gomemlimit"], 1e-9)
				}
				return
			}
			t.Error("the start is not logged")
		})
	}
}
