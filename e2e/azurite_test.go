package e2e

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// storageAccount is the account name that Azurite is told to have.
const storageAccount = "e2eaccount"

// azuriteListens is what Azurite prints once it serves; with port 0 it says which it got.
var azuriteListens = regexp.MustCompile(`successfully listens on (https?://[0-9.:]+)`)

// azurite is a running storage emulator with an account of its own.
type azurite struct {
	*process
	endpoint string // http://127.0.0.1:port/account, or https:// with arguments that say so
	key      string // base64
}

// sharedAzurite starts the one Azurite of a test run.
var sharedAzurite = sync.OnceValues(func() (*azurite, error) {
	return startAzurite(context.Background())
})

// storage answers the shared Azurite. Tests keep apart by container.
func storage(t *testing.T) *azurite {
	t.Helper()
	a, err := sharedAzurite()
	require.NoError(t, err)
	return a
}

// connectionString is what an operator would set BLOBSTORAGECONNECTIONSTRING to.
func (a *azurite) connectionString() string {
	return fmt.Sprintf("DefaultEndpointsProtocol=http;AccountName=%s;AccountKey=%s;BlobEndpoint=%s;",
		storageAccount, a.key, a.endpoint)
}

// startAzurite starts one, with more arguments if need be.
func startAzurite(ctx context.Context, more ...string) (*azurite, error) {
	node, script, err := installedAzurite()
	if err != nil {
		return nil, err
	}
	secret := make([]byte, 64)
	if _, err = rand.Read(secret); err != nil {
		return nil, fmt.Errorf("make a storage key: %w", err)
	}
	a := &azurite{key: base64.StdEncoding.EncodeToString(secret)}
	environ := []string{"AZURITE_ACCOUNTS=" + storageAccount + ":" + a.key, "PATH=" + os.Getenv("PATH")}
	// --skipApiVersionCheck: azure-storage-blob-go asks for a version that Azurite may have retired.
	arguments := append([]string{script, "--blobPort", "0", "--silent",
		"--inMemoryPersistence", "--skipApiVersionCheck", "--disableTelemetry"}, more...)
	a.process, err = startProcess(ctx, os.TempDir(), environ, node, arguments...)
	if err != nil {
		return nil, err
	}
	shared.add(func() error { return a.signal(syscall.SIGKILL) })
	return a, a.awaitEndpoint()
}

// awaitEndpoint waits until Azurite has said where it listens.
func (a *azurite) awaitEndpoint() error {
	deadline := time.After(patience)
	poll := time.NewTicker(pollEvery)
	defer poll.Stop()
	for {
		if found := azuriteListens.FindStringSubmatch(a.out.String()); found != nil {
			a.endpoint = found[1] + "/" + storageAccount
			return nil
		}
		select {
		case <-poll.C:
		case <-a.ended:
			return fmt.Errorf("start Azurite: it ended with %d\n%s", a.exitCode(), a.out)
		case <-deadline:
			return fmt.Errorf("start Azurite: not listening after %s\n%s", patience, a.out)
		}
	}
}

// installedAzurite answers node and Azurite's script, and installs it where that was not done yet.
func installedAzurite() (node, script string, err error) {
	if node, err = nodeWithModules(); err != nil {
		return "", "", err
	}
	if script, err = filepath.Abs("node_modules/azurite/dist/src/blob/main.js"); err != nil {
		return "", "", fmt.Errorf("find Azurite: %w", err)
	}
	return node, script, nil
}
