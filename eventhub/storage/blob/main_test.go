package blob

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"aks-audit-log-go/internal/eventhubtest"
)

// TestMain has the process trust the emulator's authority before the first handshake: the system's roots are read
// once.
func TestMain(m *testing.M) {
	dir, err := eventhubtest.TrustEmulator()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		_ = os.RemoveAll(dir)
		os.Exit(code)
	}))
}
