package harness

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// FalcoProcesses are Falco processes that run one after the other at the same address or behind the
// same Service. Each writes what it has processed to a file.
type FalcoProcesses struct {
	Pace time.Duration
	// Holds is how many audit events the engine of the next one uses before it stands still; with 0 it never does.
	Holds int
	files []string
}

// FalcoProcess is a Falco that runs in a process of its own.
type FalcoProcess struct {
	*Process
	URL string
}

// Start starts another Falco and waits until it serves.
func (f *FalcoProcesses) Start(t *testing.T, address string) *FalcoProcess {
	t.Helper()
	file := filepath.Join(t.TempDir(), "used")
	f.files = append(f.files, file)
	environ := append(os.Environ(), FalcoAddress+"="+address, falcoFile+"="+file, falcoPace+"="+f.Pace.String(), falcoHolds+"="+strconv.Itoa(f.Holds))
	p, err := StartProcess(t.Context(), t.TempDir(), environ, os.Args[0])
	require.NoError(t, err)
	falco := &FalcoProcess{Process: p, URL: "http://" + address + "/k8s-audit"}
	t.Cleanup(func() {
		assert.NoError(t, p.Signal(os.Kill))
		if t.Failed() {
			t.Logf("Falco printed:\n%s", Tail(p.Output.String()))
		}
	})
	Wait(t, func() bool { status, _ := Get(t.Context(), falco.URL); return status == 405 || !p.Running() }, "Falco serves")
	require.True(t, p.Running(), "Falco ended: %s", p.Output)
	return falco
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
	return lines[:len(lines)-1] // a kill may have truncated the last line
}

// AwaitUsed waits until the Falcos have processed that many different audit events.
func (f *FalcoProcesses) AwaitUsed(t *testing.T, n int) {
	t.Helper()
	AwaitCount(t, n, func() int { return Distinct(f.Used(t)) }, "audit events have not been used by Falco")
}
