package e2e

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

// defaultShutdown is SHUTDOWNTIMEOUT's default.
const defaultShutdown = 25 * time.Second

// fleet is one or several replicas that are ended and started again. What goes wrong with them is
// told to the ledger, as it may happen outside the goroutine of the test.
type fleet struct {
	binary  string
	dir     string
	environ []settings // of each replica
	ledger  *ledger

	mu       sync.Mutex
	replicas []*process
	memory   int // the highest resident size of any, in bytes
}

// startFleet starts a replica for each of the settings.
func startFleet(t *testing.T, binary string, l *ledger, environ ...settings) *fleet {
	t.Helper()
	f := &fleet{binary: binary, dir: t.TempDir(), environ: environ, ledger: l, replicas: make([]*process, len(environ))}
	t.Cleanup(func() { f.endAll(syscall.SIGKILL) })
	for i := range environ {
		require.NoError(t, f.start(t.Context(), i))
	}
	return f
}

// start starts a replica that does not run.
func (f *fleet) start(ctx context.Context, i int) error {
	p, err := startProcess(ctx, f.dir, f.environ[i].environ(), f.binary)
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.replicas[i] = p
	return nil
}

func (f *fleet) replica(i int) *process {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.replicas[i]
}

// end ends a replica with a signal and looks at how it went.
func (f *fleet) end(i int, signal syscall.Signal) {
	p := f.replica(i)
	if p == nil {
		return
	}
	f.measure()
	already := !p.running()
	asked := time.Now()
	err := p.signal(signal)
	switch {
	case already:
		f.wrong(p, "replica %d ended by itself with exit code %d", i, p.exitCode())
	case err != nil:
		f.wrong(p, "replica %d: %v", i, err)
	case signal == syscall.SIGTERM && p.exitCode() == -1 && p.out.String() == "":
		// It came before the process could take it: then it ends as any would.
	case signal == syscall.SIGTERM && p.exitCode() != 0:
		f.wrong(p, "replica %d ended with exit code %d after SIGTERM", i, p.exitCode())
	case signal == syscall.SIGTERM && time.Since(asked) > defaultShutdown+time.Second:
		f.wrong(p, "replica %d took %s to stop", i, time.Since(asked))
	case p.out.Contains("DATA RACE"):
		f.wrong(p, "replica %d has a data race", i)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.replicas[i] = nil
}

func (f *fleet) wrong(p *process, format string, args ...any) {
	f.ledger.wrong("%s; it printed:\n%s", fmt.Sprintf(format, args...), lastOf(p.out.String()))
}

// endAll ends all replicas that run, at the same time.
func (f *fleet) endAll(signal syscall.Signal) {
	var ended sync.WaitGroup
	for i := range f.replicas {
		ended.Go(func() { f.end(i, signal) })
	}
	ended.Wait()
}

// measure notes how much memory the replicas have taken at most.
func (f *fleet) measure() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range f.replicas {
		if p != nil {
			f.memory = max(f.memory, residentPeak(p.cmd.Process.Pid))
		}
	}
}

func (f *fleet) highestMemory() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.memory
}

// residentPeak is the highest resident size that a process has had, in bytes; 0 where the system
// does not tell.
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

// printed is what the replicas that run have printed, for a test that has failed.
func (f *fleet) printed() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all strings.Builder
	for i, p := range f.replicas {
		if p != nil {
			fmt.Fprintf(&all, "replica %d printed:\n%s\n", i, lastOf(p.out.String()))
		}
	}
	return all.String()
}
