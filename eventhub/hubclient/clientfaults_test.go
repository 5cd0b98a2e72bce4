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

// The clientfaults_*_test.go files hold a test for each trap of the two clients in docs/azure-sdks.md, with a sub-test
// for what each client does. They judge a new version of either client.
//
// azure-event-hubs-go ends its process, races, leaks or hangs in most of them. So it runs in a child process, and the
// test asserts what happens to that. azeventhubs runs in the test's own process, where the race detector and goleak
// judge it.

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
	// scenarioVariable names the test whose scenario a child process runs.
	scenarioVariable = "AKS_AUDIT_LOG_SCENARIO"
	// sawMark begins the line in which a child reports what its scenario returned.
	sawMark = "child saw: "
)

// isChild reports whether inChild started this process.
func isChild() bool { return os.Getenv(scenarioVariable) != "" }

// run is the outcome of a child process.
type run[T any] struct {
	// saw is what the scenario returned. finished is whether it returned.
	saw      T
	finished bool
	exitCode int
	// printed is everything else that the child wrote to standard output and error.
	printed string
}

// inChild runs the scenario in a child process, which is this test binary with this test alone. judge gets the
// outcome.
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

// onlyThis returns the -test.run pattern of this test alone.
func onlyThis(t *testing.T) string {
	var patterns []string
	for name := range strings.SplitSeq(t.Name(), "/") {
		patterns = append(patterns, "^"+regexp.QuoteMeta(name)+"$")
	}
	return strings.Join(patterns, "/")
}

// requirePanic requires that the child ended with a panic for the reason why, in code of the client.
func (r *run[T]) requirePanic(t *testing.T, why, where string) {
	t.Helper()
	require.False(t, r.finished, "the child survived")
	require.Equal(t, 2, r.exitCode, "the exit code of a panic")
	require.Contains(t, r.printed, "panic: "+why)
	require.Contains(t, r.printed, where)
}

// requireFinished requires that the scenario returned, and returns its result. The race detector may have reported
// races.
func (r *run[T]) requireFinished(t *testing.T) T {
	t.Helper()
	require.True(t, r.finished, "the child did not come to its end")
	return r.saw
}
