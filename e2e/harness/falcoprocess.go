package harness

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// FalcoProcesses are Falco processes that run one after the other, at the same address or behind the same Service.
// Each of them writes to a file what it has processed.
type FalcoProcesses struct {
	Pace time.Duration
	// Holds is how many audit events the next Falco's engine processes before it stops processing. 0 means that it
	// never stops.
	Holds int
	// OnlyIDs makes the next Falco write auditIDs instead of whole audit events. Count reads them.
	OnlyIDs bool
	files   []string
	last    *FalcoProcess
	flushed int // how many times Flush was called
}

// FalcoProcess is a Falco in a process of its own.
type FalcoProcess struct {
	*Process
	URL string
}

// Start starts another Falco, and waits until it serves.
func (f *FalcoProcesses) Start(t *testing.T, address string) *FalcoProcess {
	t.Helper()
	file := filepath.Join(t.TempDir(), "used")
	f.files = append(f.files, file)
	environ := append(os.Environ(), FalcoAddress+"="+address, falcoFile+"="+file, falcoPace+"="+f.Pace.String(),
		falcoHolds+"="+strconv.Itoa(f.Holds), falcoIDs+"="+strconv.FormatBool(f.OnlyIDs))
	p, err := StartProcess(t.Context(), t.TempDir(), environ, os.Args[0])
	require.NoError(t, err)
	falco := &FalcoProcess{Process: p, URL: "http://" + address + "/k8s-audit"}
	t.Cleanup(func() {
		assert.NoError(t, p.Signal(os.Kill))
		if t.Failed() {
			t.Logf("Falco printed:\n%s", Tail(p.Output.String()))
		}
	})
	falco.awaitServing(t)
	f.last = falco
	return falco
}

// awaitServing waits until the plugin answers.
func (f *FalcoProcess) awaitServing(t *testing.T) {
	t.Helper()
	Wait(t, func() bool { status, _ := Get(t.Context(), f.URL); return status == 405 || !f.Running() }, "Falco serves")
	require.True(t, f.Running(), "Falco ended: %s", f.Output)
}

// Reload makes Falco read its configuration again, as SIGHUP does, and waits until it serves again.
func (f *FalcoProcess) Reload(t *testing.T) {
	t.Helper()
	before := strings.Count(f.Output.String(), reloaded)
	require.NoError(t, f.Cmd.Process.Signal(syscall.SIGHUP))
	Wait(t, func() bool { return strings.Count(f.Output.String(), reloaded) > before }, "Falco reads its configuration again")
	f.awaitServing(t)
}

// Used returns the audit events that any of the Falcos has processed.
func (f *FalcoProcesses) Used(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, file := range f.files {
		all = append(all, usedIn(t, file)...)
	}
	return all
}

// UsedByLast returns the audit events that the last Falco has processed.
func (f *FalcoProcesses) UsedByLast(t *testing.T) []string {
	t.Helper()
	return usedIn(t, f.files[len(f.files)-1])
}

// usedIn reads the file of one Falco.
func usedIn(t *testing.T, file string) []string {
	t.Helper()
	content, err := os.ReadFile(file)
	require.NoError(t, err)
	lines := strings.Split(string(content), "\n")
	lines = lines[:len(lines)-1] // a kill may have truncated the last line
	return slices.DeleteFunc(lines, func(line string) bool { return strings.Contains(line, flushID) })
}

// AwaitUsed waits until the Falcos have processed this many different audit events.
func (f *FalcoProcesses) AwaitUsed(t *testing.T, n int) {
	t.Helper()
	AwaitCount(t, n, func() int { return Distinct(f.Used(t)) }, "audit events have not been used by Falco")
}
