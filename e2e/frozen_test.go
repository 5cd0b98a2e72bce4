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

	"aks-audit-log-go/e2e/harness"
)

// doors is a sink with two paths, one for each replica, so that it knows whose POST it gets.
type doors struct {
	*httptest.Server
	oracle *harness.Oracle

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

func startDoors(t *testing.T, oracle *harness.Oracle) *doors {
	t.Helper()
	d := &doors{oracle: oracle}
	d.Server = httptest.NewServer(http.HandlerFunc(d.take))
	t.Cleanup(d.Close)
	return d
}

func (d *doors) take(_ http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	events, err := harness.EventsOf(body)
	if err != nil {
		d.oracle.ReportError("the sink got what is no JSON: %v", err)
	}
	var ids []string
	for _, one := range events {
		var event struct {
			AuditID string `json:"auditID"`
		}
		_ = json.Unmarshal([]byte(one), &event) // the oracle reports an event without an auditID
		d.oracle.Arrive(event.AuditID, one)
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

// cameBelow counts, by partition, the audit events posted to the first path whose numbers are below these.
func (d *doors) cameBelow(t *testing.T, numbers map[string]int) map[string]int {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	counts := map[string]int{}
	for _, ids := range d.came {
		for _, id := range ids {
			partition, number, err := harness.ReadAuditID(id)
			require.NoError(t, err)
			if number < numbers[partition] {
				counts[partition]++
			}
		}
	}
	return counts
}

// heldEvents is how many audit events a partition holds at most with the default batch of 400, where a hub event has up
// to 60: the request in flight, what is lined up behind it, and what is gathered.
const heldEvents = 3 * (400 + 60)

// A replica that was frozen believes, when it goes on, that its partitions are still its own, and it holds events of them.
func TestAFrozenReplicaWhosePartitionsWereTakenRepeatsAtMostWhatItHeldAndStepsDown(t *testing.T) {
	t.Parallel()
	hub, seed, c := harness.StartHub(t, 4), harness.Seed(t), harness.NewBlobs(t)
	oracle := harness.NewOracle(hub.PartitionIDs())
	sink, load := startDoors(t, oracle), harness.NewHubLoad(hub, oracle, harness.RandomNumbers(seed, 1))
	load.Records = 60
	environ := harness.BlobSettings(t, hub, c, sink.URL+firstDoor).With(harness.SteadySettings()).With(harness.Settings{
		"CHECKPOINTINTERVAL": "300ms",
		"POSTTIMEOUT":        "10m", // so that the answer to the POST in flight counts, however late it is seen
	})
	frozen := harness.StartDaemon(t, environ)
	other := harness.StartDaemon(t, environ.With(harness.Settings{"WEBSINKURL": sink.URL + secondDoor, "STATSADDRESS": harness.FreeAddress(t)}))
	awaitHalves(t, frozen, other)
	end := load.Start(t, 100*time.Millisecond)
	endWatch := watchCheckpoints(t, &harness.StateChecker{State: harness.StateInBlobs{Blobs: c}, Oracle: oracle, Hub: hub})
	harness.AwaitDeliveries(t, frozen)

	open := sink.close()
	t.Cleanup(open)
	harness.Wait(t, func() bool { return sink.held() == 2 }, "either of its partitions has a POST in flight")
	thaw := freezeProcess(t, frozen.Process)
	open()
	asleep := time.Now()
	other.AwaitMetric(t, harness.PartitionsOwned, 4)
	time.Sleep(time.Until(asleep.Add(freeze)))
	end()
	harness.WaitWithProgress(t, 0, oracle.OpenHubEvents, "hub events are left that the other replica's checkpoints have not passed")
	old := maps.Clone(load.Next)

	sink.forget()
	thaw()
	harness.Wait(t, func() bool { return frozen.Output.Contains("partition lost to another reader") }, "the frozen replica steps down")
	end = load.Start(t, 100*time.Millisecond)
	awaitHalves(t, frozen, other) // it takes part again, and goes on from where the other one was
	harness.AwaitDeliveries(t, frozen)
	end()
	harness.WaitWithProgress(t, 0, oracle.OpenHubEvents, "hub events are left that no checkpoint has passed")
	posted := sink.cameBelow(t, old)
	t.Logf("frozen for %s; afterwards it posted of what was no longer its own, by partition: %v", time.Since(asleep).Round(time.Second), posted)
	for partition, repeated := range posted {
		assert.LessOrEqual(t, repeated, heldEvents, "audit events of partition %s posted after it was lost", partition)
	}
	endWatch()
	harness.StopInTime(t, frozen)
	harness.StopInTime(t, other)
	harness.AssertNoErrors(t, oracle)
	assert.Equal(t, oracle.Counts().Appended, oracle.Counts().Delivered, "delivered of those appended")
}

// freezeProcess stops a process as SIGSTOP does; the function that it answers lets it go on.
func freezeProcess(t *testing.T, p *harness.Process) (thaw func()) {
	t.Helper()
	require.NoError(t, p.Cmd.Process.Signal(syscall.SIGSTOP))
	thaw = sync.OnceFunc(func() { assert.NoError(t, p.Cmd.Process.Signal(syscall.SIGCONT)) })
	t.Cleanup(thaw)
	return thaw
}

// watchCheckpoints looks at the checkpoints all the time, until the function that it answers is
// called: the oracle reports one that goes back.
func watchCheckpoints(t *testing.T, checker *harness.StateChecker) (end func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			if err := checker.Check(ctx); err != nil && ctx.Err() == nil {
				t.Errorf("look at the checkpoints: %v", err)
			}
			harness.Pause(ctx, harness.PollEvery)
		}
	}()
	end = sync.OnceFunc(func() {
		cancel()
		<-done
	})
	t.Cleanup(end)
	return end
}
