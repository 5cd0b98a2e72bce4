package harness

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// defaultShutdown is the default of SHUTDOWNTIMEOUT.
const defaultShutdown = 25 * time.Second

// Fleet is one or more replicas that are ended and started again. It reports errors to the Oracle, because they may
// occur outside the test's goroutine.
type Fleet struct {
	binary  string
	dir     string
	environ []Settings // of each replica
	oracle  *Oracle

	mu       sync.Mutex
	replicas []*Process
	memory   int // the highest resident size of any replica, in bytes
}

// StartFleet starts one replica for each of the settings.
func StartFleet(t *testing.T, binary string, o *Oracle, environ ...Settings) *Fleet {
	t.Helper()
	f := &Fleet{binary: binary, dir: t.TempDir(), environ: environ, oracle: o, replicas: make([]*Process, len(environ))}
	t.Cleanup(func() { f.endAll(syscall.SIGKILL) })
	for i := range environ {
		require.NoError(t, f.start(t.Context(), i))
	}
	return f
}

// start starts a replica that is not running.
func (f *Fleet) start(ctx context.Context, i int) error {
	p, err := StartProcess(ctx, f.dir, f.environ[i].Environ(), f.binary)
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.replicas[i] = p
	return nil
}

// replica returns the process of a replica, or nil if it is not running.
func (f *Fleet) replica(i int) *Process {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.replicas[i]
}

// end ends a replica with a signal, and reports failures.
func (f *Fleet) end(i int, signal syscall.Signal) {
	p := f.replica(i)
	if p == nil {
		return
	}
	f.measure()
	already := !p.Running()
	signalled := time.Now()
	err := p.Signal(signal)
	took := time.Since(signalled)
	switch {
	case already:
		f.report(p, "replica %d ended by itself with exit code %d", i, p.ExitCode())
	case err != nil:
		f.report(p, "replica %d: %v", i, err)
	case signal == syscall.SIGTERM && p.ExitCode() == -1 && p.Output.String() == "":
		// The signal came before the process had installed its handler.
	case signal == syscall.SIGTERM && p.ExitCode() != 0:
		f.report(p, "replica %d ended with exit code %d after SIGTERM", i, p.ExitCode())
	case signal == syscall.SIGTERM && took > defaultShutdown+time.Second && took > defaultShutdown+Overtime(context.Background()):
		f.report(p, "replica %d took %s to stop", i, took)
	case p.Output.Contains("DATA RACE"):
		f.report(p, "replica %d has a data race", i)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.replicas[i] = nil
}

// report reports an error to the Oracle, with what the replica has printed.
func (f *Fleet) report(p *Process, format string, args ...any) {
	f.oracle.ReportError("%s; it printed:\n%s", fmt.Sprintf(format, args...), Tail(p.Output.String()))
}

// endAll ends all running replicas at the same time.
func (f *Fleet) endAll(signal syscall.Signal) {
	var ended sync.WaitGroup
	for i := range f.replicas {
		ended.Go(func() { f.end(i, signal) })
	}
	ended.Wait()
}

// measure updates the highest memory of the replicas.
func (f *Fleet) measure() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range f.replicas {
		if p != nil {
			f.memory = max(f.memory, residentPeak(p.Cmd.Process.Pid))
		}
	}
}

// highestMemory returns the highest measured resident size, in bytes.
func (f *Fleet) highestMemory() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.memory
}

// residentPeak returns the highest resident size of a process in bytes, or 0 if the system does not report it.
func residentPeak(pid int) int {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if size, found := strings.CutPrefix(line, "VmHWM:"); found {
			kilobytes, _ := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(size), " kB"))
			return kilobytes << 10
		}
	}
	return 0
}

// printed returns what the running replicas have printed, for the log of a failed test.
func (f *Fleet) printed() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all strings.Builder
	for i, p := range f.replicas {
		if p != nil {
			fmt.Fprintf(&all, "replica %d printed:\n%s\n", i, Tail(p.Output.String()))
		}
	}
	return all.String()
}
