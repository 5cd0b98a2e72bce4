package e2e

import (
	"context"
	"fmt"
	"regexp"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/e2e/harness"
	"aks-audit-log-go/internal/hubtest"
)

// noticed is how long it can take until a change is made and seen, even if the storage answers at once. The times of
// blobs have a resolution of a second.
const noticed = 20 * time.Second

// gapWatch measures for how long each partition has no running owner, by the ownership blobs, and for how long it has
// no reader, by the links at the hub.
type gapWatch struct {
	hub   *hubtest.Server
	state harness.StateInBlobs

	mu      sync.Mutex
	running map[string]bool // the names of the running daemons
	unowned map[string]time.Time
	unread  map[string]time.Time
	longest map[string]time.Duration // by kind: "unowned" and "unread"
	slowest time.Duration            // listing of the ownerships
	err     error
}

// watchGaps measures until the returned function is called.
func watchGaps(t *testing.T, hub *hubtest.Server, c harness.Blobs) (g *gapWatch, end func()) {
	t.Helper()
	g = &gapWatch{
		hub: hub, state: harness.StateInBlobs{Blobs: c}, running: map[string]bool{},
		unowned: map[string]time.Time{}, unread: map[string]time.Time{}, longest: map[string]time.Duration{},
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			g.look(ctx)
			harness.Pause(ctx, harness.PollEvery)
		}
	}()
	end = sync.OnceFunc(func() {
		cancel()
		<-done
	})
	t.Cleanup(end)
	return g, end
}

func (g *gapWatch) look(ctx context.Context) {
	began := time.Now()
	owners, err := g.state.Owners(ctx)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.slowest = max(g.slowest, time.Since(began))
	if err != nil {
		if ctx.Err() == nil {
			g.err = err
		}
		return
	}
	for _, partition := range g.hub.PartitionIDs() {
		g.note("unowned", g.unowned, partition, !g.running[owners[partition]])
		g.note("unread", g.unread, partition, g.hub.Receivers(partition) == 0)
	}
}

// note measures a gap. since has the start of each partition's gap.
func (g *gapWatch) note(what string, since map[string]time.Time, partition string, gap bool) {
	if !gap {
		delete(since, partition)
		return
	}
	if since[partition].IsZero() {
		since[partition] = time.Now()
	}
	g.longest[what] = max(g.longest[what], time.Since(since[partition]))
}

// readerName matches the name under which a daemon owns partitions, in its log.
var readerName = regexp.MustCompile(`"msg":"consumer starts","owner":"([^"]+)"`)

// started notes that a daemon is running, and returns its name.
func (g *gapWatch) started(t *testing.T, d *harness.Daemon) string {
	t.Helper()
	var name string
	harness.Wait(t, func() bool {
		found := readerName.FindStringSubmatch(d.Output.String())
		if found == nil {
			return false
		}
		name = found[1]
		return true
	}, "the daemon says its name")
	g.mu.Lock()
	defer g.mu.Unlock()
	g.running[name] = true
	return name
}

// ended notes that a daemon has ended.
func (g *gapWatch) ended(name string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.running, name)
}

// longestGaps returns the longest gaps so far.
func (g *gapWatch) longestGaps(t *testing.T) (unowned, unread time.Duration) {
	t.Helper()
	g.mu.Lock()
	defer g.mu.Unlock()
	require.NoError(t, g.err)
	return g.longest["unowned"], g.longest["unread"]
}

// bound returns for how long a partition may have no owner. The killed daemon's ownership must expire, and the storage
// answers the other daemons as slowly as this watch. Taking over a partition takes about ten requests.
func (g *gapWatch) bound() time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	return ownershipExpiry + noticed + 10*g.slowest
}

// allOwned reports whether every partition has a running owner, and no owner has more than one above its share.
func (g *gapWatch) allOwned() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.unowned) == 0 && len(g.unread) == 0
}

// deployment is three replicas that are replaced one by one.
type deployment struct {
	environ harness.Settings
	gaps    *gapWatch
	pods    []*harness.Daemon
	names   []string
}

// add starts another replica, and waits until it is ready.
func (d *deployment) add(t *testing.T) {
	t.Helper()
	pod := harness.StartDaemon(t, d.environ.With(harness.Settings{"STATSADDRESS": harness.FreeAddress(t)}))
	d.names = append(d.names, d.gaps.started(t, pod))
	pod.AwaitReady(t)
	d.pods = append(d.pods, pod)
}

// remove ends the oldest replica.
func (d *deployment) remove(t *testing.T, end func(*testing.T, *harness.Daemon)) {
	t.Helper()
	end(t, d.pods[0])
	d.gaps.ended(d.names[0])
	d.pods, d.names = d.pods[1:], d.names[1:]
}

// awaitShares waits until each replica owns two or three of eight partitions.
func (d *deployment) awaitShares(t *testing.T) {
	t.Helper()
	harness.Wait(t, func() bool {
		for _, pod := range d.pods {
			if owned := pod.Metric(t, harness.PartitionsOwned); owned < 2 || owned > 3 {
				return false
			}
		}
		return d.gaps.allOwned()
	}, "three replicas share eight partitions")
}

func TestRollingRestartsUnderLoadLoseNothingAndNoPartitionIsLeftAlone(t *testing.T) {
	t.Parallel()
	for round := range rollingRounds {
		t.Run(fmt.Sprint("round ", round+1), func(t *testing.T) {
			rollingRestart(t)
		})
	}
}

// rollingRestart replaces three replicas one by one, as a Deployment does: the new one is ready before the old one is
// stopped. One replica is killed.
func rollingRestart(t *testing.T) {
	t.Helper()
	hub, seed, c := harness.StartHub(t, 8), harness.Seed(t), harness.NewBlobs(t)
	oracle := harness.NewOracle(hub.PartitionIDs())
	sink := harness.StartFaultySink(t, oracle)
	gaps, endGaps := watchGaps(t, hub, c)
	d := &deployment{gaps: gaps, environ: harness.BlobSettings(t, hub, c, sink.URL()).With(harness.SteadySettings()).With(harness.Settings{"CHECKPOINTINTERVAL": "500ms"})}
	for range 3 {
		d.add(t)
	}
	d.awaitShares(t)
	gaps.forget()
	end := harness.NewHubLoad(hub, oracle, harness.RandomNumbers(seed, 1)).Start(t, 4*loadEvery)
	harness.AwaitProgress(t, oracle)

	d.remove(t, func(t *testing.T, pod *harness.Daemon) { t.Helper(); pod.Kill(t) })
	d.add(t)
	for range 2 {
		d.add(t)
		d.remove(t, harness.StopInTime)
	}
	d.awaitShares(t)
	harness.AwaitProgress(t, oracle)
	end()
	harness.AwaitVerdicts(t, oracle)
	endGaps()
	unowned, unread := gaps.longestGaps(t)
	assert.Less(t, unowned, gaps.bound(), "the longest time for which a partition had no owner that started")
	assert.Less(t, unread, gaps.bound(), "the longest time for which a partition had no reader")
	harness.AwaitCaughtUp(t, hub.PartitionIDs(), d.pods...)
	for _, pod := range d.pods {
		harness.StopInTime(t, pod)
	}
	require.NoError(t, (&harness.StateChecker{State: gaps.state, Oracle: oracle}).Check(t.Context()))
	harness.AssertNoErrors(t, oracle)
	assert.Zero(t, oracle.OpenHubEvents(), "hub events that the checkpoints have not passed")
	count := oracle.Counts()
	t.Logf("%d audit events appended, %d delivered, %d repeats; no partition without an owner that started for more than %s, or without a reader for more than %s",
		count.Appended, count.Delivered, count.Redelivered, unowned.Round(time.Millisecond), unread.Round(time.Millisecond))
}

// forget starts the measurement again.
func (g *gapWatch) forget() {
	g.mu.Lock()
	defer g.mu.Unlock()
	clear(g.longest)
}
