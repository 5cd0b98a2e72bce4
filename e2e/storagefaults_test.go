package e2e

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"aks-audit-log-go/e2e/harness"
)

// storageFaults returns the faults of an unavailable storage account.
func storageFaults(t *testing.T, p *harness.StorageProxy) map[string]harness.StorageFault {
	t.Helper()
	return map[string]harness.StorageFault{
		"answers 503":       harness.ServerBusy,
		"hangs up":          harness.HangUp,
		"never answers":     p.Hang,
		"loses its answers": p.LoseAnswers(t),
	}
}

func TestAStorageThatIsAwayStopsNoDeliveryAndCostsNoRepetition(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"answers 503", "hangs up", "never answers", "loses its answers"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hub, s, c, p := harness.StartHub(t, 2), harness.StartSink(t), harness.NewBlobs(t), harness.StartStorageProxy(t)
			fed := harness.NewFeed(hub)
			d := harness.StartDaemon(t, harness.BlobSettings(t, hub, c, s.URL).With(p.Settings(t)).With(harness.Settings{"CHECKPOINTINTERVAL": "200ms"}))
			fed.Add(t, 3, 2)
			s.Await(t, fed.Total())

			p.SetFault(storageFaults(t, p)[name])
			fed.Add(t, 3, 2)
			s.Await(t, fed.Total())
			p.AwaitFailures(t, d, 2)
			fed.Add(t, 3, 2)
			s.Await(t, fed.Total())
			status, why := harness.Get(t.Context(), d.StatsURL+"/healthz")
			assert.Equal(t, http.StatusOK, status, why)
			status, why = d.Readyz(t)
			assert.Equal(t, http.StatusOK, status, why)

			p.ClearFault()
			fed.Add(t, 3, 2)
			harness.Wait(t, func() bool { return harness.CaughtUp(t, hub, c) }, "the checkpoints stand at the last events")
			d.Stop(t)
			fed.AssertOnceInOrder(t, s.Accepted())
			harness.AssertNobodyOwns(t, hub, c)
		})
	}
}

func TestAStorageThatIsAwayAtTheStartIsWaitedFor(t *testing.T) {
	t.Parallel()
	hub, s, c, p := harness.StartHub(t, 2), harness.StartSink(t), harness.NewBlobs(t), harness.StartStorageProxy(t)
	p.SetFault(harness.ServerBusy)
	fed := harness.NewFeed(hub)
	fed.Add(t, 3, 2)
	d := harness.StartDaemon(t, harness.BlobSettings(t, hub, c, s.URL).With(p.Settings(t)))
	harness.Wait(t, func() bool {
		_, why := d.Readyz(t)
		return strings.Contains(why, "blob storage answered 503 ServerBusy")
	}, "/readyz says why")
	p.ClearFault()
	s.Await(t, fed.Total())
	d.AwaitReady(t)
	d.Stop(t)
	fed.AssertOnceInOrder(t, s.Accepted())
}

// refuseCreation is the fault of a policy that allows reading and writing blobs, but not creating the container.
func refuseCreation(w http.ResponseWriter, r *http.Request) bool {
	if r.Method != http.MethodPut || r.URL.Query().Get("restype") != "container" {
		return false
	}
	w.Header().Set("x-ms-error-code", "AuthorizationPermissionMismatch")
	http.Error(w, `<?xml version="1.0" encoding="utf-8"?><Error><Code>AuthorizationPermissionMismatch</Code><Message>no</Message></Error>`, http.StatusForbidden)
	return true
}

func TestAContainerThatIsMissingAndMayNotBeMadeIsNamed(t *testing.T) {
	t.Parallel()
	hub, s, c, p := harness.StartHub(t, 1), harness.StartSink(t), harness.NewBlobs(t), harness.StartStorageProxy(t)
	p.SetFault(refuseCreation)
	hub.Append("0", harness.AuditHubEvent(t, harness.AuditEvent("0", 0)))
	d := harness.StartDaemon(t, harness.BlobSettings(t, hub, c, s.URL).With(p.Settings(t)))
	want := "the container " + c.Name + " does not exist, and it cannot be created with BLOBSTORAGECONNECTIONSTRING " +
		"(create it, or permit creating containers): blob storage answered 403 AuthorizationPermissionMismatch"
	harness.Wait(t, func() bool { _, why := d.Readyz(t); return strings.Contains(why, want) }, "/readyz says what is to be done")
	harness.Wait(t, func() bool { return d.Output.Contains(want) }, "so does the log")

	p.ClearFault()
	s.Await(t, 1)
	d.Stop(t)
}

// Another owner has written the checkpoint meanwhile. The daemon does not move it, and continues to read after it.
func TestACheckpointThatAnotherHasMovedIsNotMovedBack(t *testing.T) {
	t.Parallel()
	hub, s, c := harness.StartHub(t, 1), harness.StartSink(t), harness.NewBlobs(t)
	fed, later := harness.NewFeed(hub), harness.NewFeed(hub)
	d := harness.StartDaemon(t, harness.BlobSettings(t, hub, c, s.URL).With(harness.Settings{"CHECKPOINTINTERVAL": "200ms"}))
	fed.Add(t, 3, 2)
	harness.Wait(t, func() bool { return harness.CaughtUp(t, hub, c) }, "the checkpoint stands at the last event")
	posted := s.Posted()
	s.AnswerWith(http.StatusServiceUnavailable)
	later.Add(t, 4, 2)
	harness.Wait(t, func() bool { return s.Posted() > posted }, "the next event is in hand")
	theirs := map[string]string{"sequencenumber": "5", "offset": ""}
	c.Add(t, harness.CheckpointPath+"0", theirs)
	s.AnswerWith(http.StatusOK)
	harness.Wait(t, func() bool { return harness.CaughtUp(t, hub, c) }, "the checkpoint stands at the last event")
	d.Stop(t)
	got := harness.PerPartition(t, s.Accepted())["0"]
	assert.Subset(t, got, later.Sent["0"][6:], "what stood behind the other's checkpoint has arrived")
	assert.True(t, d.Output.Contains("partition lost to another reader"))
}

func TestACheckpointThatCannotBeUsedStartsAtTheOldestEvent(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		checkpoint map[string]string
		removed    int64 // events that retention has removed
		says       string
		missing    float64
	}{
		"rubbish":              {checkpoint: map[string]string{"sequencenumber": "rubbish", "offset": "rubbish"}, says: "the checkpoint names no event"},
		"empty":                {checkpoint: nil, says: "the checkpoint names no event"},
		"beyond the end":       {checkpoint: map[string]string{"sequencenumber": "1000", "offset": "99999"}, says: "lies beyond the newest event"},
		"older than retention": {checkpoint: map[string]string{"sequencenumber": "1", "offset": "0"}, removed: 4, says: "retention has removed 2 events after the checkpoint", missing: 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hub, s, c := harness.StartHub(t, 1), harness.StartSink(t), harness.NewBlobs(t)
			fed := harness.NewFeed(hub)
			fed.Add(t, 6, 1)
			hub.Truncate("0", test.removed)
			c.Put(t, harness.CheckpointPath+"0", test.checkpoint)
			d := harness.StartDaemon(t, harness.BlobSettings(t, hub, c, s.URL))
			s.Await(t, fed.Total()-int(test.removed))
			harness.Wait(t, func() bool { return d.Output.Contains(test.says) }, "the log says why")
			assert.InDelta(t, test.missing, d.Metric(t, `aks_audit_log_missing_events_total{partition="0"}`), 0)
			d.Stop(t)
			assert.Equal(t, fed.Sent["0"][test.removed:], s.Accepted())
			harness.AssertCaughtUp(t, hub, c)
		})
	}
}
