package hubtest

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"
)

// TestMain has the process trust the servers' authority. It must come before the first handshake,
// because azure-event-hubs-go trusts the system's roots, which are read once.
func TestMain(m *testing.M) {
	dir, err := trustCA()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m,
		// azeventhubs' Close of a consumer or producer does not close its link to $management, whose
		// claim is renewed for ever.
		goleak.IgnoreTopFunction("github.com/Azure/azure-sdk-for-go/sdk/messaging/azeventhubs/v2/internal.(*Namespace).startNegotiateClaimRenewer.func3"),
		goleak.Cleanup(func(code int) {
			_ = os.RemoveAll(dir)
			os.Exit(code)
		}))
}

// trustCA writes the authority to a file in a folder of its own and points SSL_CERT_FILE there.
func trustCA() (dir string, err error) {
	ca, err := CA()
	if err != nil {
		return "", err
	}
	if dir, err = os.MkdirTemp("", "hubtest"); err != nil {
		return "", fmt.Errorf("make a folder: %w", err)
	}
	file := filepath.Join(dir, "ca.pem")
	if err := os.WriteFile(file, ca, 0o600); err != nil {
		return dir, fmt.Errorf("write the CA: %w", err)
	}
	if err := os.Setenv("SSL_CERT_FILE", file); err != nil {
		return dir, fmt.Errorf("set SSL_CERT_FILE: %w", err)
	}
	return dir, nil
}
