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

// noticed is how much later than at once a change may be made and seen, where the storage answers at once: the
// times of blobs are exact to a second.
const noticed = 20 * time.Second

// gapWatch measures for how long each partition is without an owner that lives, by the ownership
// blobs, and for how long without a reader, by the links that the hub knows.
type gapWatch struct {
	hub   *hubtest.Server
	state harness.StateInBlobs

	mu      sync.Mutex
	living  map[string]bool // by the names of the owners
	unowned map[string]time.Time
	unread  map[string]time.Time
	longest map[string]time.Duration // by what it is: "unowned" and "unread"
	slowest time.Duration            // look at the ownerships
	err     error
}

// watchGaps looks until the function that it answers is called.
func watchGaps(t *testing.T, hub *hubtest.Server, c harness.Blobs) (g *gapWatch, end func()) {
	t.Helper()
	g = &gapWatch{
		hub: hub, state: harness.StateInBlobs{Blobs: c}, living: map[string]bool{},
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
		g.note("unowned", g.unowned, partition, !g.living[owners[partition]])
		g.note("unread", g.unread, partition, g.hub.Receivers(partition) == 0)
	}
}

// note measures a gap: since holds when each partition's began.
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

// readerName finds in a daemon's log the name under which it owns partitions.
var readerName = regexp.MustCompile(`"msg":"consumer starts","owner":"([^"]+)"`)

// lives notes that a daemon runs, and answers its name.
func (g *gapWatch) lives(t *testing.T, d *harness.Daemon) string {
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
	g.living[name] = true
	return name
}

// dies notes that a daemon has ended.
func (g *gapWatch) dies(name string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.living, name)
}

// longestGaps are the longest so far.
func (g *gapWatch) longestGaps(t *testing.T) (unowned, unread time.Duration) {
	t.Helper()
	g.mu.Lock()
	defer g.mu.Unlock()
	require.NoError(t, g.err)
	return g.longest["unowned"], g.longest["unread"]
}

// bound returns for how long a partition may be without its owner: the ownership of the one killed has to
// expire, and the storage answers the others as slowly as it answers this watch. To take a partition over
// costs about ten questions.
func (g *gapWatch) bound() time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	return ownershipExpiry + noticed + 10*g.slowest
}

// allOwned says whether every partition has an owner that lives, and none owns more than its share
// and one.
func (g *gapWatch) allOwned() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.unowned) == 0 && len(g.unread) == 0
}

// deployment is three replicas that are exchanged one by one.
type deployment struct {
	environ harness.Settings
	gaps    *gapWatch
	pods    []*harness.Daemon
	names   []string
}

// add starts one more replica and waits until it is ready.
func (d *deployment) add(t *testing.T) {
	t.Helper()
	pod := harness.StartDaemon(t, d.environ.With(harness.Settings{"STATSADDRESS": harness.FreeAddress(t)}))
	d.names = append(d.names, d.gaps.lives(t, pod))
	pod.AwaitReady(t)
	d.pods = append(d.pods, pod)
}

// remove ends the oldest replica.
func (d *deployment) remove(t *testing.T, end func(*testing.T, *harness.Daemon)) {
	t.Helper()
	end(t, d.pods[0])
	d.gaps.dies(d.names[0])
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

// rollingRestart exchanges three replicas one by one, as a Deployment does: the new one is ready
// before the old one is stopped. One is killed.
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
	assert.Less(t, unowned, gaps.bound(), "the longest time for which a partition had no owner that lives")
	assert.Less(t, unread, gaps.bound(), "the longest time for which a partition had no reader")
	for _, pod := range d.pods {
		harness.StopInTime(t, pod)
	}
	require.NoError(t, (&harness.StateChecker{State: gaps.state, Oracle: oracle}).Check(t.Context()))
	harness.AssertNoErrors(t, oracle)
	assert.Zero(t, oracle.OpenHubEvents(), "hub events that the checkpoints have not passed")
	count := oracle.Counts()
	t.Logf("%d audit events appended, %d delivered, %d repeats; no partition without an owner that lives for more than %s, or without a reader for more than %s",
		count.Appended, count.Delivered, count.Redelivered, unowned.Round(time.Millisecond), unread.Round(time.Millisecond))
}

// forget begins to measure anew.
func (g *gapWatch) forget() {
	g.mu.Lock()
	defer g.mu.Unlock()
	clear(g.longest)
}
