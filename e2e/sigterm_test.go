package e2e

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	// shutdownTimeout is the SHUTDOWNTIMEOUT of steadySettings.
	shutdownTimeout = 55 * time.Second
	// balancingRound is the longest time from one balancing round to the next: 10 s and 20 %.
	balancingRound = 12 * time.Second
)

// steadySettings are for tests that count repeats on a machine that is busy with other things. What
// a stop has to wait for is 52 times as long as the slowest of the last answers: if that took a quarter
// of a second, the default SHUTDOWNTIMEOUT of 25 s does not suffice and the last events come again.
func steadySettings() settings {
	return settings{"SINKSETTLETIME": "200ms", "SHUTDOWNTIMEOUT": "55s", "LOGLEVEL": "info"}
}

// promptStop sends SIGTERM and demands exit code 0 within SHUTDOWNTIMEOUT.
func promptStop(t *testing.T, d *daemon) {
	t.Helper()
	asked := time.Now()
	d.stop(t)
	assert.Less(t, time.Since(asked), shutdownTimeout, "the time that the stop took")
}

// awaitProgress waits until audit events have been delivered that were not when it was called.
func awaitProgress(t *testing.T, l *ledger) {
	t.Helper()
	before := l.counts().delivered
	eventually(t, func() bool { return l.counts().delivered > before+10 }, "audit events arrive")
}

// awaitAll waits until every record has its verdict.
func awaitAll(t *testing.T, l *ledger) {
	t.Helper()
	awaitProgressTo(t, 0, l.waiting, "records wait for their verdict")
}

// assertEachOnce checks that all that was appended arrived, once, and that the checkpoints say so.
func assertEachOnce(t *testing.T, l *ledger, kept books) {
	t.Helper()
	a := &auditor{books: kept, ledger: l}
	require.NoError(t, a.audit(t.Context()))
	assertNothingWrong(t, l)
	count := l.counts()
	assert.Equal(t, count.appended, count.delivered, "delivered of those appended")
	assert.Zero(t, count.repeats, "repeats")
	assert.Zero(t, l.open(), "hub events that the checkpoints have not passed")
}

func TestAStopUnderLoadLosesAndRepeatsNothing(t *testing.T) {
	t.Parallel()
	hub, seed, dir := startHub(t, 4), seedOf(t), t.TempDir()
	l := newLedger(hub.PartitionIDs())
	sink, rng := startMoodySink(t, l), randomNumbers(seed, 1)
	end := newHubLoad(hub, l, randomNumbers(seed, 2)).start(t, loadEvery)
	environ := hubSettings(t, hub, sink.url()).with(steadySettings()).with(settings{"CHECKPOINTDIR": dir})
	for range stopRounds {
		d := startDaemon(t, environ)
		awaitProgress(t, l)
		time.Sleep(time.Duration(rng.Int64N(int64(soonKill)))) // a random moment
		promptStop(t, d)
	}
	end()
	last := startDaemon(t, environ)
	awaitAll(t, l)
	promptStop(t, last)
	assertEachOnce(t, l, folderBooks(dir))
	t.Logf("stopped %d times: %d audit events appended, all delivered, once", stopRounds+1, l.counts().appended)
}

// One partition, so that the replica which stands by never takes it from the one at work: that
// could repeat what is in hand.
func TestAStoppedReplicaHandsOverUnderLoadWithinTwoRounds(t *testing.T) {
	t.Parallel()
	hub, seed, c := startHub(t, 1), seedOf(t), newContainer(t)
	l := newLedger(hub.PartitionIDs())
	sink, rng := startMoodySink(t, l), randomNumbers(seed, 1)
	end := newHubLoad(hub, l, randomNumbers(seed, 2)).start(t, 4*loadEvery)
	environ := blobSettings(t, hub, c, sink.url()).with(steadySettings())
	start := func() *daemon { return startDaemon(t, environ.with(settings{"STATSADDRESS": freeAddress(t)})) }

	working := start()
	working.awaitMetric(t, partitionsOwned, 1)
	var longest time.Duration
	for range handoverRounds {
		standby := start()
		standby.awaitReady(t)
		awaitProgress(t, l)
		time.Sleep(time.Duration(rng.Int64N(int64(soonKill)))) // a random moment
		promptStop(t, working)
		given := time.Now()
		standby.awaitMetric(t, partitionsOwned, 1)
		longest = max(longest, time.Since(given))
		awaitProgress(t, l)
		working = standby
	}
	end()
	awaitAll(t, l)
	promptStop(t, working)
	assert.Less(t, longest, 2*balancingRound, "the time until the other replica owned the partition")
	assertEachOnce(t, l, blobBooks{c})
	t.Logf("handed over %d times: %d audit events appended, all delivered, once; the partition was without an owner for %s at the most",
		handoverRounds, l.counts().appended, longest.Round(time.Millisecond))
}

// waitFor is time.Sleep that ends with ctx.
func waitFor(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
