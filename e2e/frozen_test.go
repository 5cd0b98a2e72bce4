package e2e

import (
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// doors is a sink with two paths, one for each replica, so that it knows whose POST it gets.
type doors struct {
	*httptest.Server
	ledger *ledger

	mu sync.Mutex
	// came are the audit events that were posted to the first path, POST by POST.
	came [][]string
	// gate, where it is set, keeps the POSTs to the first path waiting until it is closed.
	gate    chan struct{}
	waiting int
}

// The paths of such a sink.
const (
	firstDoor  = "/first"
	secondDoor = "/second"
)

func startDoors(t *testing.T, l *ledger) *doors {
	t.Helper()
	d := &doors{ledger: l}
	d.Server = httptest.NewServer(http.HandlerFunc(d.take))
	t.Cleanup(d.Close)
	return d
}

func (d *doors) take(_ http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	events, err := eventsOf(body)
	if err != nil {
		d.ledger.wrong("the sink got what is no JSON: %v", err)
	}
	var ids []string
	for _, one := range events {
		var event struct {
			AuditID string `json:"auditID"`
		}
		_ = json.Unmarshal([]byte(one), &event) // what has no auditID is none of ours, says the ledger
		d.ledger.arrive(event.AuditID, one)
		ids = append(ids, event.AuditID)
	}
	if r.URL.Path == firstDoor {
		<-d.enter(ids)
	}
}

// enter counts a POST to the first path and answers what it has to wait for.
func (d *doors) enter(auditIDs []string) <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.came = append(d.came, auditIDs)
	if d.gate != nil {
		d.waiting++
		return d.gate
	}
	open := make(chan struct{})
	close(open)
	return open
}

// close keeps the POSTs to the first path waiting from now on; the function that it answers ends that.
func (d *doors) close() (open func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	gate := make(chan struct{})
	d.gate, d.waiting = gate, 0
	return sync.OnceFunc(func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.gate = nil
		close(gate)
	})
}

// held is how many POSTs wait at the first path.
func (d *doors) held() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.waiting
}

// forget begins to count anew.
func (d *doors) forget() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.came = nil
}

// cameBelow counts, by partition, the POSTs to the first path with audit events below these numbers.
func (d *doors) cameBelow(t *testing.T, numbers map[string]int) map[string]int {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	counts := map[string]int{}
	for _, ids := range d.came {
		partition, number, err := readAuditID(ids[0]) // the lowest
		require.NoError(t, err)
		if number < numbers[partition] {
			counts[partition]++
		}
	}
	return counts
}

// A replica that was frozen believes, when it goes on, that its partitions are still its own, and has
// the rest of a hub event in hand.
func TestAFrozenReplicaWhosePartitionsWereTakenPostsAtMostWhatWasInFlightAndStepsDown(t *testing.T) {
	t.Parallel()
	hub, seed, c := startHub(t, 4), seedOf(t), newContainer(t)
	l := newLedger(hub.PartitionIDs())
	sink, load := startDoors(t, l), newHubLoad(hub, l, randomNumbers(seed, 1))
	load.records = 60
	environ := blobSettings(t, hub, c, sink.URL+firstDoor).with(steadySettings()).with(settings{
		"CHECKPOINTINTERVAL": "300ms",
		"POSTTIMEOUT":        "10m", // so that the answer to the POST in flight counts, however late it is seen
	})
	frozen := startDaemon(t, environ)
	other := startDaemon(t, environ.with(settings{"WEBSINKURL": sink.URL + secondDoor, "STATSADDRESS": freeAddress(t)}))
	awaitHalves(t, frozen, other)
	end := load.start(t, 100*time.Millisecond)
	endWatch := watchCheckpoints(t, &auditor{books: blobBooks{c}, ledger: l, hub: hub})
	awaitWork(t, frozen)

	open := sink.close()
	t.Cleanup(open)
	eventually(t, func() bool { return sink.held() == 2 }, "either of its partitions has a POST in flight")
	thaw := freezeProcess(t, frozen.process)
	open()
	asleep := time.Now()
	other.awaitMetric(t, partitionsOwned, 4)
	time.Sleep(time.Until(asleep.Add(freeze)))
	end()
	awaitProgressTo(t, 0, l.open, "hub events are left that the other replica's checkpoints have not passed")
	old := maps.Clone(load.next)

	sink.forget()
	thaw()
	eventually(t, func() bool { return frozen.out.Contains("partition lost to another reader") }, "the frozen replica steps down")
	end = load.start(t, 100*time.Millisecond)
	awaitHalves(t, frozen, other) // it takes part again, and goes on from where the other one was
	awaitWork(t, frozen)
	end()
	awaitProgressTo(t, 0, l.open, "hub events are left that no checkpoint has passed")
	posted := sink.cameBelow(t, old)
	t.Logf("frozen for %s; afterwards it posted of what was no longer its own, by partition: %v", time.Since(asleep).Round(time.Second), posted)
	for partition, times := range posted {
		assert.LessOrEqual(t, times, 1, "POSTs of partition %s after it was lost", partition)
	}
	endWatch()
	promptStop(t, frozen)
	promptStop(t, other)
	assertNothingWrong(t, l)
	assert.Equal(t, l.counts().appended, l.counts().delivered, "delivered of those appended")
}

// freezeProcess stops a process as SIGSTOP does; the function that it answers lets it go on.
func freezeProcess(t *testing.T, p *process) (thaw func()) {
	t.Helper()
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGSTOP))
	thaw = sync.OnceFunc(func() { assert.NoError(t, p.cmd.Process.Signal(syscall.SIGCONT)) })
	t.Cleanup(thaw)
	return thaw
}

// watchCheckpoints looks at the checkpoints all the time, until the function that it answers is
// called: the ledger complains if one goes back.
func watchCheckpoints(t *testing.T, books *auditor) (end func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			if err := books.audit(ctx); err != nil && ctx.Err() == nil {
				t.Errorf("look at the checkpoints: %v", err)
			}
			waitFor(ctx, pollEvery)
		}
	}()
	end = sync.OnceFunc(func() {
		cancel()
		<-done
	})
	t.Cleanup(end)
	return end
}
