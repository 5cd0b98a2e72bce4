package e2e

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/e2e/harness"
)

func TestARestartGoesOnFromTheCheckpointBlobs(t *testing.T) {
	t.Parallel()
	hub, f, c := harness.StartHub(t, 2), harness.StartFalco(t), harness.NewBlobs(t)
	fed := harness.NewFeed(hub)
	environ := harness.BlobSettings(t, hub, c, f.URL)

	fed.Add(t, 10, 3)
	first := harness.StartDaemon(t, environ)
	f.Await(t, fed.Total())
	first.Stop(t)
	harness.AssertCaughtUp(t, hub, c)
	harness.AssertNobodyOwns(t, hub, c)

	fed.Add(t, 10, 3)
	second := harness.StartDaemon(t, environ)
	f.Await(t, fed.Total())
	second.AwaitMetric(t, harness.VerdictSeries("delivered"), float64(fed.Total()/2))
	second.Stop(t)
	harness.AssertCaughtUp(t, hub, c)
	fed.AssertOnceInOrder(t, f.SeenJSON())
}

func TestCheckpointsAreWrittenWhileTheDaemonRuns(t *testing.T) {
	t.Parallel()
	hub, s, c := harness.StartHub(t, 2), harness.StartSink(t), harness.NewBlobs(t)
	fed := harness.NewFeed(hub)
	fed.Add(t, 3, 2)
	d := harness.StartDaemon(t, harness.BlobSettings(t, hub, c, s.URL).With(harness.Settings{"CHECKPOINTINTERVAL": "200ms"}))
	harness.Wait(t, func() bool { return harness.CaughtUp(t, hub, c) }, "the checkpoints stand at the last events")
	d.Kill(t) // so that no shutdown can write them
	harness.AssertCaughtUp(t, hub, c)

	fed.Add(t, 3, 2)
	// The killed daemon's ownerships last a minute. No other daemon gets its partitions before.
	again := harness.StartDaemon(t, harness.BlobSettings(t, hub, c, s.URL))
	s.Await(t, fed.Total())
	again.Stop(t)
	fed.AssertOnceInOrder(t, s.Accepted())
}

func TestARestartGoesOnFromTheCheckpointDirectory(t *testing.T) {
	t.Parallel()
	hub, s := harness.StartHub(t, 2), harness.StartSink(t)
	fed := harness.NewFeed(hub)
	dir := filepath.Join(t.TempDir(), "made", "by", "the", "daemon")
	environ := harness.HubSettings(t, hub, s.URL).With(harness.Settings{"CHECKPOINTDIR": dir})

	fed.Add(t, 10, 3)
	first := harness.StartDaemon(t, environ)
	s.Await(t, fed.Total())
	first.Stop(t)
	for _, partition := range hub.PartitionIDs() {
		_, err := os.Stat(filepath.Join(dir, filepath.FromSlash(harness.CheckpointPath+partition)))
		assert.NoError(t, err, "the checkpoint file of partition %s", partition)
	}

	fed.Add(t, 10, 3)
	second := harness.StartDaemon(t, environ)
	s.Await(t, fed.Total())
	second.Stop(t)
	fed.AssertOnceInOrder(t, s.Accepted())
}

func TestAKillUnderLoadLosesNothing(t *testing.T) {
	t.Parallel()
	hub, s := harness.StartHub(t, 2), harness.StartSink(t)
	fed := harness.NewFeed(hub)
	environ := harness.HubSettings(t, hub, s.URL).With(harness.Settings{"CHECKPOINTDIR": t.TempDir(), "CHECKPOINTINTERVAL": "100ms"})

	fed.Add(t, 200, 5)
	first := harness.StartDaemon(t, environ)
	s.Await(t, fed.Total()/2)
	first.Kill(t)
	second := harness.StartDaemon(t, environ)
	harness.Wait(t, func() bool { return harness.Distinct(s.Accepted()) == fed.Total() }, "all audit events have arrived")
	second.Stop(t)
	fed.AssertAllInOrder(t, s.Accepted())
}

func TestASecondProcessOnACheckpointDirectoryIsRefused(t *testing.T) {
	t.Parallel()
	hub, s := harness.StartHub(t, 1), harness.StartSink(t)
	environ := harness.HubSettings(t, hub, s.URL).With(harness.Settings{"CHECKPOINTDIR": t.TempDir()})
	first := harness.StartDaemon(t, environ)
	first.AwaitReady(t)

	second := harness.StartDaemon(t, environ.With(harness.Settings{"STATSADDRESS": harness.FreeAddress(t)}))
	require.NoError(t, second.Wait())
	assert.Equal(t, 1, second.ExitCode())
	assert.Contains(t, second.Output.String(), "another process uses CHECKPOINTDIR")

	hub.Append("0", harness.AuditHubEvent(t, harness.AuditEvent("0", 0)))
	s.Await(t, 1)
}
