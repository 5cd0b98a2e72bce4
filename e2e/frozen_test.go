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

// twoPathSink is a sink with a path for each of two replicas, so that it knows which of them posts.
type twoPathSink struct {
	*httptest.Server
	oracle *harness.Oracle

	mu sync.Mutex
	// requests are the audit ids of each POST to the first path.
	requests [][]string
	// gate, unless nil, makes the POSTs to the first path wait until it is closed.
	gate    chan struct{}
	waiting int
}

// These are the paths of a twoPathSink.
const (
	firstPath  = "/first"
	secondPath = "/second"
)

func startTwoPathSink(t *testing.T, oracle *harness.Oracle) *twoPathSink {
	t.Helper()
	d := &twoPathSink{oracle: oracle}
	d.Server = httptest.NewServer(http.HandlerFunc(d.take))
	t.Cleanup(d.Close)
	return d
}

func (d *twoPathSink) take(_ http.ResponseWriter, r *http.Request) {
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
	if r.URL.Path == firstPath && len(events) > 0 {
		<-d.enter(ids)
	}
}

// enter records a POST to the first path, and returns the channel for which the POST has to wait.
func (d *twoPathSink) enter(auditIDs []string) <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.requests = append(d.requests, auditIDs)
	if d.gate != nil {
		d.waiting++
		return d.gate
	}
	open := make(chan struct{})
	close(open)
	return open
}

// close makes the POSTs to the first path wait from now on, until open is called.
func (d *twoPathSink) close() (open func()) {
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

// held returns how many POSTs are waiting at the first path.
func (d *twoPathSink) held() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.waiting
}

// forget discards what was recorded.
func (d *twoPathSink) forget() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.requests = nil
}

// postedBelow counts, by partition, the audit events posted to the first path whose numbers are lower than the given
// ones.
func (d *twoPathSink) postedBelow(t *testing.T, numbers map[string]int) map[string]int {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	counts := map[string]int{}
	for _, ids := range d.requests {
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

// heldEvents is how many audit events a partition holds at most, with the default batch of 400 and up to 60 in a hub
// event: the request in flight, the events that wait for the next request, and those that are being gathered.
const heldEvents = 3 * (400 + 60)

// When a frozen replica continues, it still believes that it owns its partitions, and it holds events of them.
func TestAFrozenReplicaWhosePartitionsWereTakenRepeatsAtMostWhatItHeldAndStepsDown(t *testing.T) {
	t.Parallel()
	hub, seed, c := harness.StartHub(t, 4), harness.Seed(t), harness.NewBlobs(t)
	oracle := harness.NewOracle(hub.PartitionIDs())
	sink, load := startTwoPathSink(t, oracle), harness.NewHubLoad(hub, oracle, harness.RandomNumbers(seed, 1))
	load.Records = 60
	environ := harness.BlobSettings(t, hub, c, sink.URL+firstPath).With(harness.SteadySettings()).With(harness.Settings{
		"CHECKPOINTINTERVAL": "300ms",
		"POSTTIMEOUT":        "10m", // so that the answer to the POST in flight counts, however late it is read
	})
	frozen := harness.StartDaemon(t, environ)
	other := harness.StartDaemon(t, environ.With(harness.Settings{"WEBSINKURL": sink.URL + secondPath, "STATSADDRESS": harness.FreeAddress(t)}))
	awaitHalves(t, frozen, other)
	end := load.Start(t, 100*time.Millisecond)
	endWatch := watchCheckpoints(t, &harness.StateChecker{State: harness.StateInBlobs{Blobs: c}, Oracle: oracle, Hub: hub})
	harness.AwaitDeliveries(t, frozen)

	open := sink.close()
	t.Cleanup(open)
	harness.Wait(t, func() bool { return sink.held() == 1 }, "it has a POST in flight")
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
	// It shares the partitions again, and continues after the other one's checkpoints.
	awaitHalves(t, frozen, other)
	harness.AwaitDeliveries(t, frozen)
	end()
	harness.WaitWithProgress(t, 0, oracle.OpenHubEvents, "hub events are left that no checkpoint has passed")
	posted := sink.postedBelow(t, old)
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

// freezeProcess stops a process as SIGSTOP does. thaw makes it continue.
func freezeProcess(t *testing.T, p *harness.Process) (thaw func()) {
	t.Helper()
	require.NoError(t, p.Cmd.Process.Signal(syscall.SIGSTOP))
	thaw = sync.OnceFunc(func() { assert.NoError(t, p.Cmd.Process.Signal(syscall.SIGCONT)) })
	t.Cleanup(thaw)
	return thaw
}

// watchCheckpoints continuously reads the checkpoints, until end is called. The oracle reports a checkpoint that moves
// back.
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
