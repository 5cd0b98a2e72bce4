package harness

import (
	"errors"
	"os/exec"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// RunToEnd runs the daemon's binary until it ends by itself.
func RunToEnd(t *testing.T, s Settings, args ...string) (exitCode int, stdout, stderr string) {
	t.Helper()
	var out, errOut Output
	cmd := exec.CommandContext(t.Context(), RaceBinary(t), args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = s.Environ(), &out, &errOut
	err := cmd.Run()
	var exited *exec.ExitError
	if !errors.As(err, &exited) {
		require.NoError(t, err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errOut.String()
}

// Daemon is a running aks-audit-log-go.
type Daemon struct {
	*Process
	StatsURL string // http://host:port of the statistics server
}

// StartDaemon runs the binary with the race detector, with only these settings. When the test ends, the daemon must
// exit with code 0, unless the test has ended it before.
func StartDaemon(t *testing.T, s Settings) *Daemon {
	t.Helper()
	return RunDaemon(t, RaceBinary(t), s)
}

// RunDaemon is StartDaemon for another binary.
func RunDaemon(t *testing.T, binary string, s Settings) *Daemon {
	t.Helper()
	p, err := StartProcess(t.Context(), t.TempDir(), s.Environ(), binary)
	require.NoError(t, err)
	d := &Daemon{Process: p, StatsURL: "http://" + s["STATSADDRESS"]}
	t.Cleanup(func() { d.cleanUp(t) })
	return d
}

// cleanUp stops a running daemon, and fails the test if the daemon has reported a data race.
func (d *Daemon) cleanUp(t *testing.T) {
	t.Helper()
	if d.Running() {
		assert.NoError(t, d.Signal(syscall.SIGTERM))
		assert.Zero(t, d.ExitCode(), "the daemon's exit code after SIGTERM")
	}
	assert.NotContains(t, d.Output.String(), "DATA RACE", "the daemon's race detector found something")
	if t.Failed() {
		t.Logf("the daemon printed:\n%s", Tail(d.Output.String()))
	}
}

// Tail returns the end of a long text.
func Tail(text string) string {
	const enough = 20000
	if len(text) <= enough {
		return text
	}
	return "…" + text[len(text)-enough:]
}

// Stop sends SIGTERM, waits for the end, and requires exit code 0.
func (d *Daemon) Stop(t *testing.T) {
	t.Helper()
	require.True(t, d.Running(), "the daemon ended before it was stopped")
	require.NoError(t, d.Signal(syscall.SIGTERM))
	require.Zero(t, d.ExitCode(), "exit code after SIGTERM")
}

// Kill sends SIGKILL and waits for the end.
func (d *Daemon) Kill(t *testing.T) {
	t.Helper()
	require.NoError(t, d.Signal(syscall.SIGKILL))
}

// StopInTime sends SIGTERM. It requires exit code 0, and that the daemon finished before SHUTDOWNTIMEOUT by its own
// clock.
func StopInTime(t *testing.T, d *Daemon) {
	t.Helper()
	d.Stop(t)
	assert.False(t, d.Output.Contains("stop takes too long"), "SHUTDOWNTIMEOUT was used up")
}
