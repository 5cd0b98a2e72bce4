package eventhub

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"aks-audit-log-go/internal/hubtest"
)

// TestMain has the process trust the emulator's authority before the first handshake: the SDK
// trusts the system's roots, which are read once.
func TestMain(m *testing.M) {
	dir, err := trustEmulator()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	sdkLog.listen()
	goleak.VerifyTestMain(m,
		// azeventhubs' client, when it is closed, does not close its link for questions. The renewal
		// of that link's authorisation ends when it finds the client closed, minutes later.
		goleak.IgnoreTopFunction("github.com/Azure/azure-sdk-for-go/sdk/messaging/azeventhubs/v2/internal.(*Namespace).startNegotiateClaimRenewer.func3"),
		goleak.Cleanup(func(code int) {
			_ = os.RemoveAll(dir)
			os.Exit(code)
		}))
}

func trustEmulator() (dir string, err error) {
	ca, err := hubtest.CA()
	if err != nil {
		return "", err
	}
	if dir, err = os.MkdirTemp("", "eventhub"); err != nil {
		return "", err
	}
	file := filepath.Join(dir, "ca.pem")
	if err := os.WriteFile(file, ca, 0o600); err != nil {
		return dir, err
	}
	return dir, os.Setenv("SSL_CERT_FILE", file)
}
