package harness

import (
	"testing"

	"github.com/stretchr/testify/require"

	"aks-audit-log-go/internal/hubtest"
)

// HubName is the name of the emulated hub.
const HubName = "insights-logs-kube-audit"

// StartHub starts an emulated Event Hub that ends with the test.
func StartHub(t *testing.T, partitions int) *hubtest.Server {
	t.Helper()
	hub, err := hubtest.Start(hubtest.Config{Hub: HubName, Partitions: partitions})
	require.NoError(t, err)
	t.Cleanup(hub.Close)
	return hub
}
