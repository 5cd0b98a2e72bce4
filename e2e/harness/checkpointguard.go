package harness

import (
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// CheckpointGuard continuously checks that no checkpoint passes an audit event that the sink has not accepted. All hub
// events must have the same number of audit events.
type CheckpointGuard struct {
	blobs  Blobs
	sink   *Sink
	each   int
	stop   chan struct{}
	done   sync.WaitGroup
	checks int
	wrong  []string
	// arrived has the sink's audit events by partition. read is how many of the sink's audit events are in it.
	read    int
	arrived map[string]map[string]bool
}

// GuardCheckpoints checks the checkpoints in c until the test ends. auditEventsEach is the number of audit events in
// each hub event.
func GuardCheckpoints(t *testing.T, c Blobs, s *Sink, auditEventsEach int) *CheckpointGuard {
	t.Helper()
	g := &CheckpointGuard{blobs: c, sink: s, each: auditEventsEach, stop: make(chan struct{}), arrived: map[string]map[string]bool{}}
	g.done.Go(func() {
		ticker := time.NewTicker(200 * time.Millisecond)
		defer ticker.Stop()
		for {
			select {
			case <-g.stop:
				return
			case <-ticker.C:
				g.check(t)
			}
		}
	})
	t.Cleanup(g.end)
	return g
}

// check compares the checkpoints with what the sink has accepted. It reads the checkpoints first, because they may
// pass only what the sink has accepted by then.
func (g *CheckpointGuard) check(t *testing.T) {
	checkpoints := g.blobs.Metadata(t)
	accepted := g.sink.Accepted()
	for _, event := range accepted[g.read:] {
		partition := partitionOf(t, event)
		if g.arrived[partition] == nil {
			g.arrived[partition] = map[string]bool{}
		}
		g.arrived[partition][event] = true
	}
	g.read = len(accepted)
	g.checks++
	for partition := range 32 {
		id := strconv.Itoa(partition)
		sequence, err := strconv.Atoi(checkpoints[CheckpointPath+id]["sequencenumber"])
		if err == nil && len(g.arrived[id]) < (sequence+1)*g.each {
			g.wrong = append(g.wrong, "the checkpoint of partition "+id+" stands at "+strconv.Itoa(sequence)+
				" when the sink had accepted "+strconv.Itoa(len(g.arrived[id]))+" audit events")
		}
	}
}

// end stops the checks, and waits for the last one.
func (g *CheckpointGuard) end() {
	select {
	case <-g.stop:
	default:
		close(g.stop)
	}
	g.done.Wait()
}

// AssertNonePassed stops the checks, and fails the test if a checkpoint ever passed an audit event that was not
// accepted.
func (g *CheckpointGuard) AssertNonePassed(t *testing.T) {
	t.Helper()
	g.end()
	require.Positive(t, g.checks)
	require.Empty(t, g.wrong)
}
