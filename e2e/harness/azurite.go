package harness

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

	"github.com/Azure/azure-storage-blob-go/azblob"
	"github.com/stretchr/testify/require"
)

// StorageAccount is the name of the account that Azurite emulates.
const StorageAccount = "e2eaccount"

// azuriteListens matches the line that Azurite prints when it serves. The line has the port that the system chose.
var azuriteListens = regexp.MustCompile(`successfully listens on (https?://[0-9.:]+)`)

// azuriteWithoutSweep is the script that node runs in place of Azurite's script, which it loads. Every 10 minutes,
// Azurite removes contents that no blob needs any more, and answers no request meanwhile. This takes a time that grows
// with the square of their number, and was minutes for some thousands. The script sets the interval to 2^31-1 ms,
// which is the longest time that node can wait.
const azuriteWithoutSweep = `
const script = process.argv[1], constants = require(require("path").join(script, "../utils/constants.js"));
if (!constants.DEFAULT_GC_INTERVAL_MS) throw new Error("Azurite has no DEFAULT_GC_INTERVAL_MS any more");
constants.DEFAULT_GC_INTERVAL_MS = 2 ** 31 - 1;
require(script);`

// Azurite is a running storage emulator with one account.
type Azurite struct {
	*Process
	Endpoint string // http://127.0.0.1:port/account; https:// if it was started with a certificate
	Key      string // base64
}

// azuriteOnce starts the Azurite that all tests of a run share.
var azuriteOnce = sync.OnceValues(func() (*Azurite, error) {
	return StartAzurite(context.Background())
})

// SharedAzurite returns the Azurite that all tests share. Each test uses a container of its own.
func SharedAzurite(t *testing.T) *Azurite {
	t.Helper()
	a, err := azuriteOnce()
	require.NoError(t, err)
	return a
}

// ConnectionString returns the value for BLOBSTORAGECONNECTIONSTRING.
func (a *Azurite) ConnectionString() string {
	return fmt.Sprintf("DefaultEndpointsProtocol=http;AccountName=%s;AccountKey=%s;BlobEndpoint=%s;",
		StorageAccount, a.Key, a.Endpoint)
}

// StartAzurite starts an Azurite that runs until all tests have ended. It adds the arguments in more to the command
// line.
func StartAzurite(ctx context.Context, more ...string) (*Azurite, error) {
	node, script, err := installedAzurite()
	if err != nil {
		return nil, err
	}
	secret := make([]byte, 64)
	if _, err = rand.Read(secret); err != nil {
		return nil, fmt.Errorf("make a storage key: %w", err)
	}
	a := &Azurite{Key: base64.StdEncoding.EncodeToString(secret)}
	environ := []string{"AZURITE_ACCOUNTS=" + StorageAccount + ":" + a.Key, "PATH=" + os.Getenv("PATH")}
	// --skipApiVersionCheck: azure-storage-blob-go sends an API version that Azurite may no longer support.
	arguments := append([]string{"--eval", azuriteWithoutSweep, script, "--blobPort", "0", "--silent",
		"--inMemoryPersistence", "--skipApiVersionCheck", "--disableTelemetry"}, more...)
	a.Process, err = StartProcess(ctx, os.TempDir(), environ, node, arguments...)
	if err != nil {
		return nil, err
	}
	AtEnd.Add(func() error { return a.Signal(syscall.SIGKILL) })
	return a, a.awaitEndpoint()
}

// awaitEndpoint waits until Azurite has printed its address, and keeps it.
func (a *Azurite) awaitEndpoint() error {
	deadline := time.After(WaitLimit)
	poll := time.NewTicker(PollEvery)
	defer poll.Stop()
	for {
		if found := azuriteListens.FindStringSubmatch(a.Output.String()); found != nil {
			a.Endpoint = found[1] + "/" + StorageAccount
			return nil
		}
		select {
		case <-poll.C:
		case <-a.ended:
			return fmt.Errorf("start Azurite: it ended with %d\n%s", a.ExitCode(), a.Output)
		case <-deadline:
			return fmt.Errorf("start Azurite: not listening after %s\n%s", WaitLimit, a.Output)
		}
	}
}

// installedAzurite returns the paths of node and of Azurite's script. It installs Azurite if it is missing.
func installedAzurite() (node, script string, err error) {
	if node, err = nodeWithModules(); err != nil {
		return "", "", err
	}
	if script, err = filepath.Abs("node_modules/azurite/dist/src/blob/main.js"); err != nil {
		return "", "", fmt.Errorf("find Azurite: %w", err)
	}
	return node, script, nil
}

// SAS returns a shared access signature for the account's blobs, without the leading "?".
func (a *Azurite) SAS(t *testing.T) string {
	t.Helper()
	credential, err := azblob.NewSharedKeyCredential(StorageAccount, a.Key)
	require.NoError(t, err)
	parameters, err := azblob.AccountSASSignatureValues{
		Protocol:      azblob.SASProtocolHTTPSandHTTP,
		ExpiryTime:    time.Now().Add(time.Hour),
		Permissions:   azblob.AccountSASPermissions{Read: true, Write: true, Delete: true, List: true, Add: true, Create: true}.String(),
		Services:      azblob.AccountSASServices{Blob: true}.String(),
		ResourceTypes: azblob.AccountSASResourceTypes{Service: true, Container: true, Object: true}.String(),
	}.NewSASQueryParameters(credential)
	require.NoError(t, err)
	return parameters.Encode()
}
