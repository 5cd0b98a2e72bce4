package hubclient

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/internal/hubtest"
)

// The clientfaults_*_test.go files hold a test for each row of the table in docs/design.md that
// compares the two clients, with a sub-test that says what each of them does. They are where a new
// version of either client is judged.
//
// azure-event-hubs-go takes its process down, races, leaks or hangs in most of them, so there it
// runs in a child process: what that does to the process is what is asserted. azeventhubs runs in
// the test's own process, where the race detector and goleak judge it.

const (
	oldClient = forwarder.ClientAzureEventHubsGo
	newClient = forwarder.ClientAzEventHubs
)

// startServer starts an emulated event hub of one partition.
func startServer(t *testing.T) *hubtest.Server {
	t.Helper()
	server, err := hubtest.Start(hubtest.Config{Partitions: 1})
	require.NoError(t, err)
	t.Cleanup(server.Close)
	return server
}

const (
	// scenarioVariable names in a child process the test that it runs the scenario of.
	scenarioVariable = "AKS_AUDIT_LOG_SCENARIO"
	// sawMark stands before the line in which a child says what it saw.
	sawMark = "child saw: "
)

// isChild tells whether this process was started by inChild.
func isChild() bool { return os.Getenv(scenarioVariable) != "" }

// run is what became of a child process.
type run[T any] struct {
	// saw is what the scenario returned, and finished says that it did.
	saw      T
	finished bool
	exitCode int
	// printed is everything else that the child wrote to its standard output and error.
	printed string
}

// inChild runs the scenario in a process of its own, which is this test binary running this test
// alone, and has the outcome judged here.
func inChild[T any](t *testing.T, scenario func(t *testing.T) T, judge func(t *testing.T, child run[T])) {
	t.Helper()
	if isChild() {
		saw, err := json.Marshal(scenario(t))
		require.NoError(t, err)
		fmt.Println("\n" + sawMark + string(saw))
		return
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run="+onlyThis(t), "-test.timeout=10m") // #nosec G204 -- it is this binary
	cmd.Env = append(os.Environ(), scenarioVariable+"="+t.Name(), "GOTRACEBACK=single", "GORACE=atexit_sleep_ms=0")
	output, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		require.NoError(t, err, "run the child")
	}
	child := run[T]{exitCode: cmd.ProcessState.ExitCode()}
	child.read(t, output)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the child, exit code %d, printed:\n%s", child.exitCode, output)
		}
	})
	judge(t, child)
}

func (r *run[T]) read(t *testing.T, output []byte) {
	t.Helper()
	var printed strings.Builder
	lines := bufio.NewScanner(bytes.NewReader(output))
	for lines.Scan() {
		saw, found := strings.CutPrefix(lines.Text(), sawMark)
		if !found {
			printed.WriteString(lines.Text() + "\n")
			continue
		}
		require.NoError(t, json.Unmarshal([]byte(saw), &r.saw))
		r.finished = true
	}
	require.NoError(t, lines.Err())
	r.printed = printed.String()
}

// onlyThis is the -test.run pattern of the test alone.
func onlyThis(t *testing.T) string {
	var patterns []string
	for name := range strings.SplitSeq(t.Name(), "/") {
		patterns = append(patterns, "^"+regexp.QuoteMeta(name)+"$")
	}
	return strings.Join(patterns, "/")
}

// requirePanic demands that the child died of a panic that says why, in code of the client.
func (r *run[T]) requirePanic(t *testing.T, why, where string) {
	t.Helper()
	require.False(t, r.finished, "the child survived")
	require.Equal(t, 2, r.exitCode, "the exit code of a panic")
	require.Contains(t, r.printed, "panic: "+why)
	require.Contains(t, r.printed, where)
}

// requireFinished demands that the scenario came to its end and returns what it saw. The race
// detector may have had something to say.
func (r *run[T]) requireFinished(t *testing.T) T {
	t.Helper()
	require.True(t, r.finished, "the child did not come to its end")
	return r.saw
}
