package e2e

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
	// auditEvery is how often the checkpoints and the dead letters are looked at.
	auditEvery = 300 * time.Millisecond
	// tidyEvery is how often what is done with is removed.
	tidyEvery = 10 * time.Second
)

// storm is random troubles over random hub events. The rows of both follow from the seed.
type storm struct {
	hub     *hubtest.Server
	ledger  *ledger
	sink    *moodySink
	fleet   *fleet
	auditor *auditor
	storage *moodyStorage // nil where the daemon writes files
	load    *hubLoad
	rows    []*row
	seed    uint64
	// quiet leaves each trouble out of the log of the test.
	quiet bool
}

// newStorm makes the parts of a storm with that many partitions, but for the replicas.
func newStorm(t *testing.T, partitions int) *storm {
	t.Helper()
	hub, seed := startHub(t, partitions), seedOf(t)
	l := newLedger(hub.PartitionIDs())
	load := newHubLoad(hub, l, randomNumbers(seed, 1))
	load.odd, load.backlog = 0.05, 0
	return &storm{hub: hub, ledger: l, sink: startMoodySink(t, l), load: load, seed: seed}
}

// environ are settings that suit a storm: short times, so that much happens in a while.
func (s *storm) environ(t *testing.T, others settings) settings {
	t.Helper()
	return hubSettings(t, s.hub, s.sink.url()).with(settings{
		"LOGLEVEL": "info", "CHECKPOINTINTERVAL": "500ms", "SINKSETTLETIME": "500ms",
		"POSTTIMEOUT": "2s", "POSTMAXRETRIES": "2", "POSTRETRYINCREMENTALDELAY": "100",
	}).with(others)
}

// addRow adds a row of troubles.
func (s *storm) addRow(pause time.Duration, troubles func(rng *rand.Rand) []trouble) {
	part := uint64(100 + 2*len(s.rows))
	s.rows = append(s.rows, &row{
		rng: randomNumbers(s.seed, part), troubles: troubles(randomNumbers(s.seed, part+1)), pause: pause,
	})
}

// rage lets the troubles happen for a time, under load, and then waits until all is well again and
// everything has its verdict.
func (s *storm) rage(t *testing.T, lasts, loadEvery time.Duration) {
	t.Helper()
	defer func() {
		if t.Failed() {
			t.Logf("%s", s.fleet.printed())
		}
	}()
	raging, calm := context.WithTimeout(t.Context(), lasts)
	defer calm()
	endLoad := s.load.start(t, loadEvery)
	endAudits := s.audits(t)
	var rows sync.WaitGroup
	for _, l := range s.rows {
		if !s.quiet {
			l.log = t.Logf
		}
		rows.Go(func() { l.run(raging) })
	}
	rows.Wait()
	endLoad()
	t.Logf("the storm is over, %d records wait for their verdict", s.ledger.waiting())
	awaitProgressTo(t, 0, s.ledger.open, "hub events are left that no checkpoint has passed")
	endAudits()
	s.fleet.endAll(syscall.SIGTERM)
}

// audits looks at the books in the background until the function that it answers is called.
func (s *storm) audits(t *testing.T) (end func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		tidied := time.Now()
		for ctx.Err() == nil {
			err := s.auditor.audit(ctx)
			if err == nil && time.Since(tidied) > tidyEvery {
				err, tidied = s.auditor.tidy(ctx), time.Now()
				s.fleet.measure()
			}
			if err != nil && ctx.Err() == nil {
				s.ledger.wrong("look at the books: %v", err)
			}
			waitFor(ctx, auditEvery)
		}
	}()
	end = sync.OnceFunc(func() {
		cancel()
		<-done
	})
	t.Cleanup(end)
	return end
}

// assertNothingLost looks at the books once more and at what the ledger says, and tells the figures.
func (s *storm) assertNothingLost(t *testing.T) {
	t.Helper()
	require.NoError(t, s.auditor.audit(t.Context()))
	assertNothingWrong(t, s.ledger)
	assert.Zero(t, s.ledger.waiting(), "records without a verdict")
	count := s.ledger.counts()
	t.Logf("appended %d, delivered %d, dead-lettered %d, duplicates %d, lost %d, checkpoints written %d, highest memory %d MiB",
		count.appended, count.delivered, count.kept, count.repeats, count.lost+s.ledger.waiting(), s.checkpoints(), s.fleet.highestMemory()>>20)
	var troubles strings.Builder
	for _, l := range s.rows {
		troubles.WriteString(l.String())
	}
	t.Logf("troubles:\n%s", troubles.String())
}

// checkpoints is how many were written, or for files how many moves of them were seen.
func (s *storm) checkpoints() int {
	if s.storage == nil {
		return s.auditor.moves
	}
	return int(s.storage.checkpoints.Load())
}
