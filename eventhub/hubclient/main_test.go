package hubclient

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"aks-audit-log-go/internal/eventhubtest"
)

// TestMain makes the process trust the emulator's authority before the first handshake: the SDK trusts the system's
// roots, which are read once.
func TestMain(m *testing.M) {
	dir, err := eventhubtest.TrustEmulator()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	sdkLog.listen()
	if isChild() {
		// The parent judges it: leaks in the child are what the test is about.
		code := m.Run()
		_ = os.RemoveAll(dir)
		os.Exit(code)
	}
	goleak.VerifyTestMain(m,
		// A closed client of azeventhubs does not close its management link. The renewal of that link's authorisation
		// ends when it finds the client closed, minutes later.
		goleak.IgnoreTopFunction("github.com/Azure/azure-sdk-for-go/sdk/messaging/azeventhubs/v2/internal.(*Namespace).startNegotiateClaimRenewer.func3"),
		goleak.Cleanup(func(code int) {
			_ = os.RemoveAll(dir)
			os.Exit(code)
		}))
}
