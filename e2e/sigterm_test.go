package e2e

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"aks-audit-log-go/e2e/harness"
)

// mostRounds is how many balancing rounds a replica may need to take a released partition.
const mostRounds = 2

// roundCount counts a replica's balancing rounds by its requests to the storage, until it claims a partition. The
// count does not depend on how long a round takes on a busy machine.
type roundCount struct {
	mu      sync.Mutex
	rounds  int
	claimed bool
}

// note is a StorageFault that changes nothing.
func (c *roundCount) note(_ http.ResponseWriter, r *http.Request) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.claimed:
	case r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/ownership/"):
		c.claimed = true
	case r.URL.Query().Get("comp") == "list" && strings.Contains(r.URL.Query().Get("prefix"), "/ownership/"):
		c.rounds++
	}
	return false
}

func (c *roundCount) read() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.rounds
}

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

// There is only one partition, so that the replica on standby never takes it from the working one. That could
// redeliver events that the working one is handling.
func TestAStoppedReplicaHandsOverUnderLoadWithinTwoRounds(t *testing.T) {
	t.Parallel()
	hub, seed, c := harness.StartHub(t, 1), harness.Seed(t), harness.NewBlobs(t)
	oracle := harness.NewOracle(hub.PartitionIDs())
	sink, rng := harness.StartFaultySink(t, oracle), harness.RandomNumbers(seed, 1)
	end := harness.NewHubLoad(hub, oracle, harness.RandomNumbers(seed, 2)).Start(t, 4*loadEvery)
	environ := harness.BlobSettings(t, hub, c, sink.URL()).With(harness.SteadySettings())
	start := func() (*harness.Daemon, *harness.StorageProxy) {
		way := harness.StartStorageProxy(t)
		return harness.StartDaemon(t, environ.With(way.Settings(t)).With(harness.Settings{"STATSADDRESS": harness.FreeAddress(t)})), way
	}

	working, _ := start()
	working.AwaitMetric(t, harness.PartitionsOwned, 1)
	var most int
	for range handoverRounds {
		standby, way := start()
		standby.AwaitReady(t)
		harness.AwaitProgress(t, oracle)
		time.Sleep(time.Duration(rng.Int64N(int64(soonKill)))) // a random moment
		harness.StopInTime(t, working)
		var needed roundCount
		failed := standby.Metric(t, "aks_audit_log_balance_failures_total")
		way.SetFault(needed.note)
		standby.AwaitMetric(t, harness.PartitionsOwned, 1)
		most = max(most, needed.read()-int(standby.Metric(t, "aks_audit_log_balance_failures_total")-failed))
		harness.AwaitProgress(t, oracle)
		working = standby
	}
	end()
	harness.AwaitVerdicts(t, oracle)
	harness.StopInTime(t, working)
	assert.LessOrEqual(t, most, mostRounds, "balancing rounds until the other replica claimed the partition")
	harness.AssertEachOnce(t, oracle, harness.StateInBlobs{Blobs: c})
	t.Logf("handed over %d times: %d audit events appended, all delivered, once; the other replica claimed the partition in round %d at the latest",
		handoverRounds, oracle.Counts().Appended, most)
}
