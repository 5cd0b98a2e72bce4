package e2e

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"aks-audit-log-go/e2e/harness"
)

const (

	// balancingRound is the longest time from one balancing round to the next: 10 s and 20 %.
	balancingRound = 12 * time.Second
)

func TestAStopUnderLoadLosesAndRepeatsNothing(t *testing.T) {
	t.Parallel()
	hub, seed, dir := harness.StartHub(t, 4), harness.Seed(t), t.TempDir()
	oracle := harness.NewOracle(hub.PartitionIDs())
	sink, rng := harness.StartFaultySink(t, oracle), harness.RandomNumbers(seed, 1)
	end := harness.NewHubLoad(hub, oracle, harness.RandomNumbers(seed, 2)).Start(t, loadEvery)
	environ := harness.HubSettings(t, hub, sink.URL()).With(harness.SteadySettings()).With(harness.Settings{"CHECKPOINTDIR": dir})
	for range stopRounds {
		d := harness.StartDaemon(t, environ)
		harness.AwaitProgress(t, oracle)
		time.Sleep(time.Duration(rng.Int64N(int64(soonKill)))) // a random moment
		harness.StopInTime(t, d)
	}
	end()
	last := harness.StartDaemon(t, environ)
	harness.AwaitVerdicts(t, oracle)
	harness.StopInTime(t, last)
	harness.AssertEachOnce(t, oracle, harness.StateInFolder(dir))
	t.Logf("stopped %d times: %d audit events appended, all delivered, once", stopRounds+1, oracle.Counts().Appended)
}

// One partition, so that the replica which stands by never takes it from the one at work: that
// could repeat what is in hand.
func TestAStoppedReplicaHandsOverUnderLoadWithinTwoRounds(t *testing.T) {
	t.Parallel()
	hub, seed, c := harness.StartHub(t, 1), harness.Seed(t), harness.NewBlobs(t)
	oracle := harness.NewOracle(hub.PartitionIDs())
	sink, rng := harness.StartFaultySink(t, oracle), harness.RandomNumbers(seed, 1)
	end := harness.NewHubLoad(hub, oracle, harness.RandomNumbers(seed, 2)).Start(t, 4*loadEvery)
	environ := harness.BlobSettings(t, hub, c, sink.URL()).With(harness.SteadySettings())
	start := func() *harness.Daemon {
		return harness.StartDaemon(t, environ.With(harness.Settings{"STATSADDRESS": harness.FreeAddress(t)}))
	}

	working := start()
	working.AwaitMetric(t, harness.PartitionsOwned, 1)
	var longest time.Duration
	for range handoverRounds {
		standby := start()
		standby.AwaitReady(t)
		harness.AwaitProgress(t, oracle)
		time.Sleep(time.Duration(rng.Int64N(int64(soonKill)))) // a random moment
		harness.StopInTime(t, working)
		given := time.Now()
		standby.AwaitMetric(t, harness.PartitionsOwned, 1)
		longest = max(longest, time.Since(given))
		harness.AwaitProgress(t, oracle)
		working = standby
	}
	end()
	harness.AwaitVerdicts(t, oracle)
	harness.StopInTime(t, working)
	assert.Less(t, longest, 2*balancingRound, "the time until the other replica owned the partition")
	harness.AssertEachOnce(t, oracle, harness.StateInBlobs{Blobs: c})
	t.Logf("handed over %d times: %d audit events appended, all delivered, once; the partition was without an owner for %s at the most",
		handoverRounds, oracle.Counts().Appended, longest.Round(time.Millisecond))
}
