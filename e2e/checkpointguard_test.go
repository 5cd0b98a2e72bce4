package e2e

import (
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// checkpointGuard looks again and again whether a checkpoint has passed an audit event that the
// sink has not accepted. It wants hub events with the same number of audit events each.
type checkpointGuard struct {
	c     container
	s     *sink
	each  int
	stop  chan struct{}
	done  sync.WaitGroup
	looks int
	wrong []string
}

// guardCheckpoints starts looking, until the test ends.
func guardCheckpoints(t *testing.T, c container, s *sink, auditEventsEach int) *checkpointGuard {
	t.Helper()
	g := &checkpointGuard{c: c, s: s, each: auditEventsEach, stop: make(chan struct{})}
	g.done.Go(func() {
		ticker := time.NewTicker(200 * time.Millisecond)
		defer ticker.Stop()
		for {
			select {
			case <-g.stop:
				return
			case <-ticker.C:
				g.look(t)
			}
		}
	})
	t.Cleanup(g.end)
	return g
}

// look reads the checkpoints first: what the sink has accepted by then they may have passed.
func (g *checkpointGuard) look(t *testing.T) {
	checkpoints := g.c.metadata(t)
	accepted := map[string]int{}
	for partition, events := range perPartition(t, g.s.accepted()) {
		accepted[partition] = distinct(events)
	}
	g.looks++
	for partition := range 32 {
		id := strconv.Itoa(partition)
		sequence, err := strconv.Atoi(checkpoints[checkpointPath+id]["sequencenumber"])
		if err == nil && accepted[id] < (sequence+1)*g.each {
			g.wrong = append(g.wrong, "the checkpoint of partition "+id+" stands at "+strconv.Itoa(sequence)+
				" when the sink had accepted "+strconv.Itoa(accepted[id])+" audit events")
		}
	}
}

func (g *checkpointGuard) end() {
	select {
	case <-g.stop:
	default:
		close(g.stop)
	}
	g.done.Wait()
}

// assertNonePassed ends the guard and demands that no checkpoint ever went too far.
func (g *checkpointGuard) assertNonePassed(t *testing.T) {
	t.Helper()
	g.end()
	require.Positive(t, g.looks)
	require.Empty(t, g.wrong)
}
