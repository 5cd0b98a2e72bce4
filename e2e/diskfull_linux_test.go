package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/internal/hubtest"
)

// fullDisk makes every checkpoint that is written to dir fail for want of space: the file that is
// written before it takes the old one's place leads to /dev/full. It returns what makes room.
func fullDisk(t *testing.T, hub *hubtest.Server, dir string) (makeRoom func()) {
	t.Helper()
	var links []string
	for _, partition := range hub.PartitionIDs() {
		link := filepath.Join(dir, filepath.FromSlash(checkpointPath+partition)) + ".tmp"
		// One that is just being written stands in the way for a moment.
		eventually(t, func() bool { return os.Symlink("/dev/full", link) == nil }, "the disk is full")
		links = append(links, link)
	}
	return func() {
		for _, link := range links {
			require.NoError(t, os.Remove(link))
		}
	}
}

// checkpointFiles are the contents of the checkpoints.
func checkpointFiles(t *testing.T, hub *hubtest.Server, dir string) map[string]string {
	t.Helper()
	contents := map[string]string{}
	for _, partition := range hub.PartitionIDs() {
		content, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(checkpointPath+partition)))
		require.NoError(t, err)
		contents[partition] = string(content)
	}
	return contents
}

func TestAFullDiskStopsNoDeliveryAndSpoilsNoCheckpoint(t *testing.T) {
	t.Parallel()
	hub, s, dir := startHub(t, 2), startSink(t), t.TempDir()
	fed := newFeed(hub)
	environ := hubSettings(t, hub, s.URL).with(settings{"CHECKPOINTDIR": dir, "CHECKPOINTINTERVAL": "100ms"})
	fed.add(t, 3, 2)
	first := startDaemon(t, environ)
	s.await(t, fed.total())
	first.stop(t)
	checkpoints := checkpointFiles(t, hub, dir)
	makeRoom := fullDisk(t, hub, dir)

	second := startDaemon(t, environ)
	fed.add(t, 3, 2)
	s.await(t, fed.total())
	eventually(t, func() bool { return second.out.Contains("no space left on device") }, "the log says why")
	for _, probe := range []string{"/healthz", "/readyz"} {
		status, why := get(t.Context(), second.stats+probe)
		assert.Equal(t, http.StatusOK, status, why)
	}
	assert.Positive(t, second.metric(t, `aks_audit_log_checkpoint_failures_total{partition="0"}`)+
		second.metric(t, `aks_audit_log_checkpoint_failures_total{partition="1"}`))
	assert.Equal(t, checkpoints, checkpointFiles(t, hub, dir), "the old ones are whole")
	second.kill(t)

	third := startDaemon(t, environ) // repeats what no checkpoint says was delivered
	fed.add(t, 3, 2)
	eventually(t, func() bool { return distinct(s.accepted()) == fed.total() }, "all audit events have arrived")
	makeRoom()
	fed.add(t, 1, 2)
	eventually(t, func() bool { return distinct(s.accepted()) == fed.total() }, "all audit events have arrived")
	third.stop(t)
	fed.assertAllInOrder(t, s.accepted())

	accepted := len(s.accepted())
	fourth := startDaemon(t, environ)
	fed.add(t, 1, 2)
	s.await(t, accepted+4)
	fourth.stop(t)
	assert.Len(t, s.accepted(), accepted+4, "with room for the checkpoint nothing comes again")
}
