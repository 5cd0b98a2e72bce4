package e2e

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/internal/hubtest"
)

const (
	// loadEvery is the time between two hub events of a load, over all partitions.
	loadEvery = 5 * time.Millisecond
	// soonKill is the longest time after which a daemon is killed: from its start, or from the
	// first audit event that it delivered.
	soonKill = time.Second
)

// killing is a daemon under load that is killed again and again.
type killing struct {
	hub     *hubtest.Server
	ledger  *ledger
	auditor *auditor
	environ settings
	rng     *rand.Rand
	load    *hubLoad
	// after is what has to be done before the next daemon can go on.
	after func(t *testing.T)
	// repeats are told apart by CHECKPOINTINTERVAL.
	repeats map[string]*repeats
}

// repeats is what came again after a number of kills.
type repeats struct{ kills, events, most int }

// killIntervals are the values of CHECKPOINTINTERVAL, in turn. With the first a checkpoint is
// written about once for each hub event.
var killIntervals = []string{"20ms", "500ms"}

func newKilling(t *testing.T) *killing {
	t.Helper()
	hub, seed := startHub(t, 2), seedOf(t)
	l := newLedger(hub.PartitionIDs())
	l.old = true
	sink := startMoodySink(t, l)
	sink.takes = 3 * time.Millisecond // so that a hub event is in hand at most moments
	return &killing{
		hub: hub, ledger: l, rng: randomNumbers(seed, 1), load: newHubLoad(hub, l, randomNumbers(seed, 2)),
		environ: hubSettings(t, hub, sink.url()).with(steadySettings()),
		after:   func(*testing.T) {}, repeats: map[string]*repeats{},
	}
}

// round runs a daemon, kills it at a random moment, and then enters the checkpoints as they stood
// at that moment: whatever comes again from before them is wrong.
func (k *killing) round(t *testing.T, n int) {
	t.Helper()
	before := k.ledger.counts()
	d := startDaemon(t, k.environ.with(settings{"CHECKPOINTINTERVAL": killIntervals[n%len(killIntervals)]}))
	if n%5 != 4 { // else while it starts
		eventually(t, func() bool { return k.ledger.counts().delivered > before.delivered }, "the daemon delivers")
	}
	time.Sleep(time.Duration(k.rng.Int64N(int64(soonKill)))) // the random moment
	d.kill(t)
	require.NoError(t, k.auditor.audit(t.Context()))
	k.after(t)
	if n > 0 { // what came again follows from the daemon before
		k.count(killIntervals[(n-1)%len(killIntervals)], k.ledger.counts().repeats-before.repeats)
	}
}

func (k *killing) count(interval string, events int) {
	if k.repeats[interval] == nil {
		k.repeats[interval] = &repeats{}
	}
	r := k.repeats[interval]
	r.kills, r.events, r.most = r.kills+1, r.events+events, max(r.most, events)
}

// run kills that often, and then sees to it that all has arrived.
func (k *killing) run(t *testing.T, rounds int) {
	t.Helper()
	end := k.load.start(t, 4*loadEvery)
	for n := range rounds {
		k.round(t, n)
		if t.Failed() {
			return
		}
	}
	end()
	last := startDaemon(t, k.environ)
	awaitAll(t, k.ledger)
	last.awaitReady(t) // all may have arrived before it can be told to stop
	last.stop(t)
	require.NoError(t, k.auditor.audit(t.Context()))
	assert.Zero(t, k.ledger.open(), "hub events that the last checkpoints have not passed")
	assertNothingWrong(t, k.ledger)
	count := k.ledger.counts()
	t.Logf("killed %d times: %d audit events appended, %d delivered, %d lost, %d repeats, all from behind the checkpoint that stood at the kill",
		rounds, count.appended, count.delivered, count.appended-count.delivered, count.repeats)
	for interval, r := range k.repeats {
		t.Logf("CHECKPOINTINTERVAL=%s: %.1f repeats a kill, %d at the most", interval, float64(r.events)/float64(r.kills), r.most)
	}
}

// assertNothingWrong checks what a ledger has seen.
func assertNothingWrong(t *testing.T, l *ledger) {
	t.Helper()
	for _, complaint := range l.complaints() {
		t.Error(complaint)
	}
	assert.Zero(t, l.counts().lost, "lost")
}

func TestAKillAtAnyMomentUnderLoadLosesNothingAndRepeatsOnlyWhatCameAfterTheCheckpoint(t *testing.T) {
	t.Parallel()
	k, dir := newKilling(t), t.TempDir()
	k.environ["CHECKPOINTDIR"] = dir
	k.auditor = &auditor{books: folderBooks(dir), ledger: k.ledger, hub: k.hub}
	k.run(t, killRounds)
}

// The same with the checkpoints in blobs. A killed daemon's partitions stay its own for a minute; an
// operator who is in a hurry empties the ownerships by hand, and so does this test.
func TestAKillWithCheckpointsInBlobsLosesNothingEither(t *testing.T) {
	t.Parallel()
	k, c := newKilling(t), newContainer(t)
	k.environ = k.environ.with(settings{"BLOBSTORAGECONNECTIONSTRING": storage(t).connectionString(), "BLOBCONTAINERNAME": c.name})
	books := blobBooks{c}
	k.auditor = &auditor{books: books, ledger: k.ledger, hub: k.hub}
	k.after = func(t *testing.T) {
		owners, err := books.owners(t.Context())
		require.NoError(t, err)
		for partition := range owners {
			c.add(t, ownershipPath+partition, map[string]string{"ownerid": ""})
		}
	}
	k.run(t, blobKillRounds)
}
