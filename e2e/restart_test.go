package e2e

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestARestartGoesOnFromTheCheckpointBlobs(t *testing.T) {
	t.Parallel()
	hub, f, c := startHub(t, 2), startFalco(t), newContainer(t)
	fed := newFeed(hub)
	environ := blobSettings(t, hub, c, f.url)

	fed.add(t, 10, 3)
	first := startDaemon(t, environ)
	f.await(t, fed.total())
	first.stop(t)
	assertCaughtUp(t, hub, c)
	assertNobodyOwns(t, hub, c)

	fed.add(t, 10, 3)
	second := startDaemon(t, environ)
	f.await(t, fed.total())
	second.awaitMetric(t, verdicts("delivered"), float64(fed.total()/2))
	second.stop(t)
	assertCaughtUp(t, hub, c)
	fed.assertOnceInOrder(t, f.seenJSON())
}

func TestCheckpointsAreWrittenWhileTheDaemonRuns(t *testing.T) {
	t.Parallel()
	hub, s, c := startHub(t, 2), startSink(t), newContainer(t)
	fed := newFeed(hub)
	fed.add(t, 3, 2)
	d := startDaemon(t, blobSettings(t, hub, c, s.URL).with(settings{"CHECKPOINTINTERVAL": "200ms"}))
	eventually(t, func() bool { return caughtUp(t, hub, c) }, "the checkpoints stand at the last events")
	d.kill(t) // so that no shutdown can write them
	assertCaughtUp(t, hub, c)

	fed.add(t, 3, 2)
	// The killed one's ownership lasts a minute, and nobody else gets its partitions before.
	again := startDaemon(t, blobSettings(t, hub, c, s.URL))
	s.await(t, fed.total())
	again.stop(t)
	fed.assertOnceInOrder(t, s.accepted())
}

func TestARestartGoesOnFromTheCheckpointDirectory(t *testing.T) {
	t.Parallel()
	hub, s := startHub(t, 2), startSink(t)
	fed := newFeed(hub)
	dir := filepath.Join(t.TempDir(), "made", "by", "the", "daemon")
	environ := hubSettings(t, hub, s.URL).with(settings{"CHECKPOINTDIR": dir})

	fed.add(t, 10, 3)
	first := startDaemon(t, environ)
	s.await(t, fed.total())
	first.stop(t)
	for _, partition := range hub.PartitionIDs() {
		_, err := os.Stat(filepath.Join(dir, filepath.FromSlash(checkpointPath+partition)))
		assert.NoError(t, err, "the checkpoint file of partition %s", partition)
	}

	fed.add(t, 10, 3)
	second := startDaemon(t, environ)
	s.await(t, fed.total())
	second.stop(t)
	fed.assertOnceInOrder(t, s.accepted())
}

func TestAKillUnderLoadLosesNothing(t *testing.T) {
	t.Parallel()
	hub, s := startHub(t, 2), startSink(t)
	fed := newFeed(hub)
	environ := hubSettings(t, hub, s.URL).with(settings{"CHECKPOINTDIR": t.TempDir(), "CHECKPOINTINTERVAL": "100ms"})

	fed.add(t, 200, 5)
	first := startDaemon(t, environ)
	s.await(t, fed.total()/2)
	first.kill(t)
	second := startDaemon(t, environ)
	eventually(t, func() bool { return distinct(s.accepted()) == fed.total() }, "all audit events have arrived")
	second.stop(t)
	fed.assertAllInOrder(t, s.accepted())
}

func TestASecondProcessOnACheckpointDirectoryIsRefused(t *testing.T) {
	t.Parallel()
	hub, s := startHub(t, 1), startSink(t)
	environ := hubSettings(t, hub, s.URL).with(settings{"CHECKPOINTDIR": t.TempDir()})
	first := startDaemon(t, environ)
	first.awaitReady(t)

	second := startDaemon(t, environ.with(settings{"STATSADDRESS": freeAddress(t)}))
	require.NoError(t, second.wait())
	assert.Equal(t, 1, second.exitCode())
	assert.Contains(t, second.out.String(), "another process uses CHECKPOINTDIR")

	hub.Append("0", auditHubEvent(t, auditEvent("0", 0)))
	s.await(t, 1)
}
