package eventhubtest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/internal/hubtest"
)

// WaitLimit bounds every wait of a test. A test that succeeds never waits that long.
const WaitLimit = 2 * time.Minute

// HubClients are the implementations of eventhub.Hub.
var HubClients = []forwarder.HubClient{forwarder.ClientAzEventHubs, forwarder.ClientAzureEventHubsGo}

// WithEachClient runs a test with each implementation of eventhub.Hub.
func WithEachClient(t *testing.T, test func(t *testing.T, client forwarder.HubClient)) {
	t.Helper()
	for _, client := range HubClients {
		t.Run(string(client), func(t *testing.T) { test(t, client) })
	}
}

// EmulatorConfig returns the configuration for the emulator and a client. Each change sets a variable: NAME=value.
func EmulatorConfig(t *testing.T, server *hubtest.Server, client forwarder.HubClient, changes ...string) forwarder.Config {
	t.Helper()
	set := map[string]string{
		"EHUBNAMESPACECONNECTIONSTRING": server.ConnectionString() + ";", "EVENTHUBNAME": server.HubName(),
		"EVENTHUBCLIENT": string(client), "CHECKPOINTDIR": t.TempDir(), "WEBSINKURL": "http://127.0.0.1/",
	}
	for _, change := range changes {
		name, value, _ := strings.Cut(change, "=")
		set[name] = value
	}
	var environ []string
	for name, value := range set {
		environ = append(environ, name+"="+value)
	}
	cfg, err := forwarder.Load(environ)
	require.NoError(t, err)
	return cfg
}

// TrustEmulator makes the process trust the emulator's authority. Call it before the first handshake, because the
// system's roots are read only once. The caller removes the folder that it returns.
func TrustEmulator() (dir string, err error) {
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
