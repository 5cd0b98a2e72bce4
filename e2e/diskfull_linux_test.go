package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/e2e/harness"
	"aks-audit-log-go/internal/hubtest"
)

// fullDisk makes each checkpoint write to dir fail because the disk is full. The temporary file that replaces the old
// checkpoint is a link to /dev/full. makeRoom ends that.
func fullDisk(t *testing.T, hub *hubtest.Server, dir string) (makeRoom func()) {
	t.Helper()
	var links []string
	for _, partition := range hub.PartitionIDs() {
		link := filepath.Join(dir, filepath.FromSlash(harness.CheckpointPath+partition)) + ".tmp"
		// A temporary file that is being written may exist for a moment.
		harness.Wait(t, func() bool { return os.Symlink("/dev/full", link) == nil }, "the disk is full")
		links = append(links, link)
	}
	return func() {
		for _, link := range links {
			require.NoError(t, os.Remove(link))
		}
	}
}

// checkpointFiles returns the contents of the checkpoint files by partition.
func checkpointFiles(t *testing.T, hub *hubtest.Server, dir string) map[string]string {
	t.Helper()
	contents := map[string]string{}
	for _, partition := range hub.PartitionIDs() {
		content, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(harness.CheckpointPath+partition)))
		require.NoError(t, err)
		contents[partition] = string(content)
	}
	return contents
}

func TestAFullDiskStopsNoDeliveryAndSpoilsNoCheckpoint(t *testing.T) {
	t.Parallel()
	hub, s, dir := harness.StartHub(t, 2), harness.StartSink(t), t.TempDir()
	fed := harness.NewFeed(hub)
	environ := harness.HubSettings(t, hub, s.URL).With(harness.Settings{"CHECKPOINTDIR": dir, "CHECKPOINTINTERVAL": "100ms"})
	fed.Add(t, 3, 2)
	first := harness.StartDaemon(t, environ)
	s.Await(t, fed.Total())
	first.Stop(t)
	checkpoints := checkpointFiles(t, hub, dir)
	makeRoom := fullDisk(t, hub, dir)

	second := harness.StartDaemon(t, environ)
	fed.Add(t, 3, 2)
	s.Await(t, fed.Total())
	harness.Wait(t, func() bool { return second.Output.Contains("no space left on device") }, "the log says why")
	for _, probe := range []string{"/healthz", "/readyz"} {
		status, why := harness.Get(t.Context(), second.StatsURL+probe)
		assert.Equal(t, http.StatusOK, status, why)
	}
	assert.Positive(t, second.Metric(t, `aks_audit_log_checkpoint_failures_total{partition="0"}`)+
		second.Metric(t, `aks_audit_log_checkpoint_failures_total{partition="1"}`))
	assert.Equal(t, checkpoints, checkpointFiles(t, hub, dir), "the old ones are whole")
	second.Kill(t)

	third := harness.StartDaemon(t, environ) // redelivers everything after the checkpoints
	fed.Add(t, 3, 2)
	harness.Wait(t, func() bool { return harness.Distinct(s.Accepted()) == fed.Total() }, "all audit events have arrived")
	makeRoom()
	fed.Add(t, 1, 2)
	harness.Wait(t, func() bool { return harness.Distinct(s.Accepted()) == fed.Total() }, "all audit events have arrived")
	third.Stop(t)
	fed.AssertAllInOrder(t, s.Accepted())

	accepted := len(s.Accepted())
	fourth := harness.StartDaemon(t, environ)
	fed.Add(t, 1, 2)
	s.Await(t, accepted+4)
	fourth.Stop(t)
	assert.Len(t, s.Accepted(), accepted+4, "with room for the checkpoint nothing comes again")
}
