package e2e

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"aks-audit-log-go/e2e/harness"
)

// The daemon does not keep events that the sink has accepted but not confirmed, because they are still in the hub.
func TestTheMemoryIsBoundedWhileTheSinkIsSlowerThanTheEventsCome(t *testing.T) {
	t.Parallel()
	const (
		enough  = 600      // POSTs of 200 KB, of 4800 in the hub
		garbage = 32 << 20 // memory of finished events that is not yet collected
	)
	hub, event := harness.StartHub(t, heavyPartitions), heavyHubEvent(t)
	for _, partition := range hub.PartitionIDs() {
		for range heavyBacklog {
			hub.Append(partition, event)
		}
	}
	var answered atomic.Int64
	sink := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		select {
		case <-time.After(50 * time.Millisecond):
			answered.Add(1)
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(sink.Close)
	d := harness.RunDaemon(t, harness.ReleaseBinary(t), harness.HubSettings(t, hub, sink.URL).With(harness.Settings{
		"CHECKPOINTDIR": t.TempDir(), "LOGLEVEL": "", "SHUTDOWNTIMEOUT": "1s",
	}))
	harness.AwaitCount(t, enough, func() int { return int(answered.Load()) }, "POSTs have no answer yet")
	highest := highestResident(t, d.Process)
	t.Logf("highest resident size: %.1f MiB", float64(highest)/(1<<20))
	assert.Less(t, highest, memoryLimit+garbage)
	d.Stop(t)
}
