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
	// read is how many of the sink's audit events were counted, into arrived, by partition.
	read    int
	arrived map[string]map[string]bool
}

// guardCheckpoints starts looking, until the test ends.
func guardCheckpoints(t *testing.T, c container, s *sink, auditEventsEach int) *checkpointGuard {
	t.Helper()
	g := &checkpointGuard{c: c, s: s, each: auditEventsEach, stop: make(chan struct{}), arrived: map[string]map[string]bool{}}
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
	accepted := g.s.accepted()
	for _, event := range accepted[g.read:] {
		partition := partitionOf(t, event)
		if g.arrived[partition] == nil {
			g.arrived[partition] = map[string]bool{}
		}
		g.arrived[partition][event] = true
	}
	g.read = len(accepted)
	g.looks++
	for partition := range 32 {
		id := strconv.Itoa(partition)
		sequence, err := strconv.Atoi(checkpoints[checkpointPath+id]["sequencenumber"])
		if err == nil && len(g.arrived[id]) < (sequence+1)*g.each {
			g.wrong = append(g.wrong, "the checkpoint of partition "+id+" stands at "+strconv.Itoa(sequence)+
				" when the sink had accepted "+strconv.Itoa(len(g.arrived[id]))+" audit events")
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
