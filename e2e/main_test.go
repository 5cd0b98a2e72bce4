package e2e

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"aks-audit-log-go/e2e/harness"
)

// parallelTests is how many tests run at once unless -parallel is set. Go's default, the number of processors, is too
// low, because the tests mostly wait for other processes.
const parallelTests = "8"

func TestMain(m *testing.M) {
	if address := os.Getenv(harness.FalcoAddress); address != "" {
		os.Exit(harness.FalcoMain(address))
	}
	// Each child process has a goroutine that copies its output. A leaked goroutine therefore means a process that was
	// not ended.
	goleak.VerifyTestMain(suite{m}, goleak.Cleanup(os.Exit))
}

// suite runs the tests, and then ends what they share.
type suite struct{ m *testing.M }

// Run satisfies goleak.TestingM.
func (s suite) Run() int {
	if err := flag.Set("test.parallel", parallelTests); err != nil {
		fmt.Fprintln(os.Stderr, "set the number of parallel tests:", err)
		return 1
	}
	code := s.m.Run()
	if err := harness.AtEnd.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, "end the shared parts:", err)
		code = 1
	}
	return code
}
