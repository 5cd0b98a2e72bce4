package beside

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
	goleak.VerifyTestMain(m,
		// The management link of a closed azeventhubs client is closed when its token would be renewed, minutes later.
		goleak.IgnoreTopFunction("github.com/Azure/azure-sdk-for-go/sdk/messaging/azeventhubs/v2/internal.(*Namespace).startNegotiateClaimRenewer.func3"),
		goleak.Cleanup(func(code int) {
			_ = os.RemoveAll(dir)
			os.Exit(code)
		}))
}
