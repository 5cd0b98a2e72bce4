package hubclient

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"aks-audit-log-go/internal/eventhubtest"
)

// TestMain has the process trust the emulator's authority before the first handshake: the SDK
// trusts the system's roots, which are read once.
func TestMain(m *testing.M) {
	dir, err := eventhubtest.TrustEmulator()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	sdkLog.listen()
	if isChild() {
		// Its parent judges it. What leaks there is what the test is about.
		code := m.Run()
		_ = os.RemoveAll(dir)
		os.Exit(code)
	}
	goleak.VerifyTestMain(m,
		// azeventhubs' client, when it is closed, does not close its link for questions. The renewal
		// of that link's authorisation ends when it finds the client closed, minutes later.
		goleak.IgnoreTopFunction("github.com/Azure/azure-sdk-for-go/sdk/messaging/azeventhubs/v2/internal.(*Namespace).startNegotiateClaimRenewer.func3"),
		goleak.Cleanup(func(code int) {
			_ = os.RemoveAll(dir)
			os.Exit(code)
		}))
}
