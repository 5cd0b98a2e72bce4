package harness

import (
	"context"
	"math/rand/v2"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/internal/hubtest"
)

const (
	// checkEvery is the time between two checks of the checkpoints and dead letters.
	checkEvery = 300 * time.Millisecond
	// trimEvery is the time between two calls of Trim.
	trimEvery = 10 * time.Second
)

// Chaos causes random faults while the hub gets random hub events. The seed determines both sequences.
type Chaos struct {
	Hub     *hubtest.Server
	Oracle  *Oracle
	Sink    *FaultySink
	Fleet   *Fleet
	Checker *StateChecker
	storage *faultyStorage // nil if the daemon writes files
	Load    *HubLoad
	series  []*faultSeries
	seed    uint64
	// Quiet keeps the faults out of the test's log.
	Quiet bool
}

// NewChaos starts a hub with this many partitions, and a sink. The caller sets Fleet and Checker, or calls
// StartReplicas.
func NewChaos(t *testing.T, partitions int) *Chaos {
	t.Helper()
	hub, seed := StartHub(t, partitions), Seed(t)
	o := NewOracle(hub.PartitionIDs())
	load := NewHubLoad(hub, o, RandomNumbers(seed, 1))
	load.OddShare, load.backlog = 0.05, 0
	return &Chaos{Hub: hub, Oracle: o, Sink: StartFaultySink(t, o), Load: load, seed: seed}
}

// Settings returns settings with short times, so that a run has many retries, renewals and checkpoints.
func (c *Chaos) Settings(t *testing.T, others Settings) Settings {
	t.Helper()
	return HubSettings(t, c.Hub, c.Sink.URL()).With(Settings{
		"LOGLEVEL": "info", "CHECKPOINTINTERVAL": "500ms", "SINKSETTLETIME": "500ms", "SHUTDOWNTIMEOUT": defaultShutdown.String(),
		"POSTTIMEOUT": "2s", "POSTMAXRETRIES": "2", "POSTRETRYINCREMENTALDELAY": "100",
	}).With(others)
}

// AddFaults adds a series of faults. Each pause between two of them takes at most pause.
func (c *Chaos) AddFaults(pause time.Duration, faults func(rng *rand.Rand) []Fault) {
	part := uint64(100 + 2*len(c.series))
	c.series = append(c.series, &faultSeries{
		rng: RandomNumbers(c.seed, part), faults: faults(RandomNumbers(c.seed, part+1)), pause: pause,
	})
}

// Run causes faults for a time, under load. Then it ends all faults, and waits until every record has its verdict.
func (c *Chaos) Run(t *testing.T, lasts, loadEvery time.Duration) {
	t.Helper()
	defer func() {
		if t.Failed() {
			t.Logf("%s", c.Fleet.printed())
		}
	}()
	faulty, endFaults := context.WithTimeout(t.Context(), lasts)
	defer endFaults()
	endLoad := c.Load.Start(t, loadEvery)
	endChecks := c.startChecks(t)
	var running sync.WaitGroup
	for _, series := range c.series {
		if !c.Quiet {
			series.log = t.Logf
		}
		running.Go(func() { series.run(faulty) })
	}
	running.Wait()
	endLoad()
	t.Logf("the faults are over, %d records wait for their verdict", c.Oracle.WithoutVerdict())
	WaitWithProgress(t, 0, c.Oracle.OpenHubEvents, "hub events are left that no checkpoint has passed")
	endChecks()
	c.Fleet.endAll(syscall.SIGTERM)
}

// startChecks checks the stored state in the background until end is called.
func (c *Chaos) startChecks(t *testing.T) (end func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		trimmed := time.Now()
		for ctx.Err() == nil {
			err := c.Checker.Check(ctx)
			if err == nil && time.Since(trimmed) > trimEvery {
				err, trimmed = c.Checker.Trim(ctx), time.Now()
				c.Fleet.measure()
			}
			if err != nil && ctx.Err() == nil {
				c.Oracle.ReportError("check the stored state: %v", err)
			}
			Pause(ctx, checkEvery)
		}
	}()
	end = sync.OnceFunc(func() {
		cancel()
		<-done
	})
	t.Cleanup(end)
	return end
}

// AssertNothingLost checks the stored state once more, fails the test for each error that the Oracle has found, and
// logs the counts.
func (c *Chaos) AssertNothingLost(t *testing.T) {
	t.Helper()
	require.NoError(t, c.Checker.Check(t.Context()))
	AssertNoErrors(t, c.Oracle)
	assert.Zero(t, c.Oracle.WithoutVerdict(), "records without a verdict")
	count := c.Oracle.Counts()
	t.Logf("appended %d, delivered %d, dead-lettered %d, redelivered %d, lost %d, checkpoints written %d, highest memory %d MiB",
		count.Appended, count.Delivered, count.DeadLettered, count.Redelivered, count.Lost+c.Oracle.WithoutVerdict(), c.checkpoints(), c.Fleet.highestMemory()>>20)
	var faults strings.Builder
	for _, series := range c.series {
		faults.WriteString(series.String())
	}
	t.Logf("faults:\n%s", faults.String())
}

// checkpoints returns how many checkpoints were written. For files, it returns how many moves the checks have seen.
func (c *Chaos) checkpoints() int {
	if c.storage == nil {
		return c.Checker.Moves
	}
	return int(c.storage.checkpoints.Load())
}
