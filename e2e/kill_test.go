package e2e

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/e2e/harness"
	"aks-audit-log-go/internal/hubtest"
)

const (
	// loadEvery is the time between two hub events of a load, over all partitions.
	loadEvery = 5 * time.Millisecond
	// soonKill is the longest time until a daemon is killed, counted from its start or from the first audit event that
	// it delivers.
	soonKill = time.Second
)

// killing is a daemon under load that is killed repeatedly.
type killing struct {
	hub     *hubtest.Server
	oracle  *harness.Oracle
	sink    *harness.FaultySink
	checker *harness.StateChecker
	environ harness.Settings
	rng     *rand.Rand
	load    *harness.HubLoad
	// after is called after each kill, before the next daemon starts.
	after func(t *testing.T)
	// repeats has the redelivered events, by CHECKPOINTINTERVAL.
	repeats map[string]*repeats
}

// repeats is how many events were redelivered after a number of kills: the sum, and the most after one kill.
type repeats struct{ kills, events, most int }

// killIntervals are the values of CHECKPOINTINTERVAL, used in turn. The first one causes about one checkpoint for each
// hub event.
var killIntervals = []string{"20ms", "500ms"}

func newKilling(t *testing.T) *killing {
	t.Helper()
	hub, seed := harness.StartHub(t, 2), harness.Seed(t)
	oracle := harness.NewOracle(hub.PartitionIDs())
	oracle.RejectOldRedeliveries = true
	sink := harness.StartFaultySink(t, oracle)
	sink.AnswerTime = 3 * time.Millisecond // so that the daemon is nearly always handling a hub event
	return &killing{
		hub: hub, oracle: oracle, sink: sink, rng: harness.RandomNumbers(seed, 1), load: harness.NewHubLoad(hub, oracle, harness.RandomNumbers(seed, 2)),
		environ: harness.HubSettings(t, hub, sink.URL()).With(harness.SteadySettings()),
		after:   func(*testing.T) {}, repeats: map[string]*repeats{},
	}
}

// round runs a daemon, and kills it at a random moment. Then it tells the oracle the checkpoints of that moment, so
// that a redelivery from before them is an error.
func (k *killing) round(t *testing.T, n int) {
	t.Helper()
	before := k.oracle.Counts()
	d := harness.StartDaemon(t, k.environ.With(harness.Settings{"CHECKPOINTINTERVAL": killIntervals[n%len(killIntervals)]}))
	if n%5 != 4 { // otherwise it is killed while it starts
		harness.Wait(t, func() bool { return k.oracle.Counts().Delivered > before.Delivered }, "the daemon delivers")
	}
	time.Sleep(time.Duration(k.rng.Int64N(int64(soonKill)))) // the random moment
	d.Kill(t)
	k.sink.AwaitUnused(t)
	require.NoError(t, k.checker.Check(t.Context()))
	k.after(t)
	if n > 0 { // the previous daemon caused the redeliveries
		k.count(killIntervals[(n-1)%len(killIntervals)], k.oracle.Counts().Redelivered-before.Redelivered)
	}
}

func (k *killing) count(interval string, events int) {
	if k.repeats[interval] == nil {
		k.repeats[interval] = &repeats{}
	}
	r := k.repeats[interval]
	r.kills, r.events, r.most = r.kills+1, r.events+events, max(r.most, events)
}

// run kills a daemon in each round, and then asserts that everything has arrived.
func (k *killing) run(t *testing.T, rounds int) {
	t.Helper()
	end := k.load.Start(t, 4*loadEvery)
	for n := range rounds {
		k.round(t, n)
		if t.Failed() {
			return
		}
	}
	end()
	last := harness.StartDaemon(t, k.environ)
	harness.AwaitVerdicts(t, k.oracle)
	harness.AwaitCaughtUp(t, k.hub.PartitionIDs(), last)
	last.Stop(t)
	require.NoError(t, k.checker.Check(t.Context()))
	assert.Zero(t, k.oracle.OpenHubEvents(), "hub events that the last checkpoints have not passed")
	harness.AssertNoErrors(t, k.oracle)
	count := k.oracle.Counts()
	t.Logf("killed %d times: %d audit events appended, %d delivered, %d lost, %d repeats, all from behind the checkpoint that stood at the kill",
		rounds, count.Appended, count.Delivered, count.Appended-count.Delivered, count.Redelivered)
	for interval, r := range k.repeats {
		t.Logf("CHECKPOINTINTERVAL=%s: %.1f repeats a kill, %d at the most", interval, float64(r.events)/float64(r.kills), r.most)
	}
}

func TestAKillAtAnyMomentUnderLoadLosesNothingAndRepeatsOnlyWhatCameAfterTheCheckpoint(t *testing.T) {
	t.Parallel()
	k, dir := newKilling(t), t.TempDir()
	k.environ["CHECKPOINTDIR"] = dir
	k.checker = &harness.StateChecker{State: harness.StateInFolder(dir), Oracle: k.oracle, Hub: k.hub}
	k.run(t, killRounds)
}

// The checkpoints are in blobs. A killed daemon keeps its partitions for a minute. The test empties the ownerships, as
// an operator does who cannot wait.
func TestAKillWithCheckpointsInBlobsLosesNothingEither(t *testing.T) {
	t.Parallel()
	k, c := newKilling(t), harness.NewBlobs(t)
	k.environ = k.environ.With(harness.Settings{"BLOBSTORAGECONNECTIONSTRING": harness.SharedAzurite(t).ConnectionString(), "BLOBCONTAINERNAME": c.Name})
	state := harness.StateInBlobs{Blobs: c}
	k.checker = &harness.StateChecker{State: state, Oracle: k.oracle, Hub: k.hub}
	k.after = func(t *testing.T) {
		owners, err := state.Owners(t.Context())
		require.NoError(t, err)
		for partition := range owners {
			c.Add(t, harness.OwnershipPath+partition, map[string]string{"ownerid": ""})
		}
	}
	k.run(t, blobKillRounds)
}
