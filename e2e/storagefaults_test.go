package e2e

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// storageFaults are the ways in which a storage account is away.
func storageFaults(t *testing.T, p *storageProxy) map[string]fault {
	t.Helper()
	return map[string]fault{
		"answers 503":       unavailable,
		"hangs up":          hangUp,
		"never answers":     p.hang,
		"loses its answers": p.answersLost(t),
	}
}

// awaitSpoiled waits until so many more requests have met the fault.
func (p *storageProxy) awaitSpoiled(t *testing.T, d *daemon, failures float64) {
	t.Helper()
	failed := func() float64 {
		return d.metric(t, `aks_audit_log_checkpoint_failures_total{partition="0"}`) + d.metric(t, "aks_audit_log_balance_failures_total")
	}
	before := failed()
	eventually(t, func() bool { return failed() >= before+failures }, "the storage has failed")
}

func TestAStorageThatIsAwayStopsNoDeliveryAndCostsNoRepetition(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"answers 503", "hangs up", "never answers", "loses its answers"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hub, s, c, p := startHub(t, 2), startSink(t), newContainer(t), startStorageProxy(t)
			fed := newFeed(hub)
			d := startDaemon(t, blobSettings(t, hub, c, s.URL).with(p.settings(t)).with(settings{"CHECKPOINTINTERVAL": "200ms"}))
			fed.add(t, 3, 2)
			s.await(t, fed.total())

			p.spoil(storageFaults(t, p)[name])
			fed.add(t, 3, 2)
			s.await(t, fed.total())
			p.awaitSpoiled(t, d, 2)
			fed.add(t, 3, 2)
			s.await(t, fed.total())
			status, why := get(t.Context(), d.stats+"/healthz")
			assert.Equal(t, http.StatusOK, status, why)
			status, why = d.readyz(t)
			assert.Equal(t, http.StatusOK, status, why)

			p.mend()
			fed.add(t, 3, 2)
			eventually(t, func() bool { return caughtUp(t, hub, c) }, "the checkpoints stand at the last events")
			d.stop(t)
			fed.assertOnceInOrder(t, s.accepted())
			assertNobodyOwns(t, hub, c)
		})
	}
}

func TestAStorageThatIsAwayAtTheStartIsWaitedFor(t *testing.T) {
	t.Parallel()
	hub, s, c, p := startHub(t, 2), startSink(t), newContainer(t), startStorageProxy(t)
	p.spoil(unavailable)
	fed := newFeed(hub)
	fed.add(t, 3, 2)
	d := startDaemon(t, blobSettings(t, hub, c, s.URL).with(p.settings(t)))
	eventually(t, func() bool {
		_, why := d.readyz(t)
		return strings.Contains(why, "blob storage answered 503 ServerBusy")
	}, "/readyz says why")
	p.mend()
	s.await(t, fed.total())
	d.awaitReady(t)
	d.stop(t)
	fed.assertOnceInOrder(t, s.accepted())
}

// A policy that may read and write blobs only cannot make the container.
func TestAContainerThatIsMissingAndMayNotBeMadeIsNamed(t *testing.T) {
	t.Parallel()
	hub, s, c, p := startHub(t, 1), startSink(t), newContainer(t), startStorageProxy(t)
	p.spoil(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPut || r.URL.Query().Get("restype") != "container" {
			return false
		}
		w.Header().Set("x-ms-error-code", "AuthorizationPermissionMismatch")
		http.Error(w, `<?xml version="1.0" encoding="utf-8"?><Error><Code>AuthorizationPermissionMismatch</Code><Message>no</Message></Error>`, http.StatusForbidden)
		return true
	})
	hub.Append("0", auditHubEvent(t, auditEvent("0", 0)))
	d := startDaemon(t, blobSettings(t, hub, c, s.URL).with(p.settings(t)))
	want := "the container " + c.name + " does not exist, and it may not be made with BLOBSTORAGECONNECTIONSTRING " +
		"(make it, or permit creating containers): blob storage answered 403 AuthorizationPermissionMismatch"
	eventually(t, func() bool { _, why := d.readyz(t); return strings.Contains(why, want) }, "/readyz says what is to be done")
	eventually(t, func() bool { return d.out.Contains(want) }, "so does the log")

	p.mend()
	s.await(t, 1)
	d.stop(t)
}

// Another owner wrote the checkpoint meanwhile: it stays where it is, and reading goes on behind it.
func TestACheckpointThatAnotherHasMovedIsNotMovedBack(t *testing.T) {
	t.Parallel()
	hub, s, c := startHub(t, 1), startSink(t), newContainer(t)
	fed, later := newFeed(hub), newFeed(hub)
	d := startDaemon(t, blobSettings(t, hub, c, s.URL).with(settings{"CHECKPOINTINTERVAL": "200ms"}))
	fed.add(t, 3, 2)
	eventually(t, func() bool { return caughtUp(t, hub, c) }, "the checkpoint stands at the last event")
	posted := s.posted()
	s.answer(http.StatusServiceUnavailable)
	later.add(t, 4, 2)
	eventually(t, func() bool { return s.posted() > posted }, "the next event is in hand")
	theirs := map[string]string{"sequencenumber": "5", "offset": ""}
	c.add(t, checkpointPath+"0", theirs)
	s.answer(http.StatusOK)
	eventually(t, func() bool { return caughtUp(t, hub, c) }, "the checkpoint stands at the last event")
	d.stop(t)
	got := perPartition(t, s.accepted())["0"]
	assert.Subset(t, got, later.sent["0"][6:], "what stood behind the other's checkpoint has arrived")
	assert.True(t, d.out.Contains("partition lost to another reader"))
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
		"older than retention": {checkpoint: map[string]string{"sequencenumber": "1", "offset": "0"}, removed: 4, says: "retention has removed 2 events behind the checkpoint", missing: 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hub, s, c := startHub(t, 1), startSink(t), newContainer(t)
			fed := newFeed(hub)
			fed.add(t, 6, 1)
			hub.Truncate("0", test.removed)
			c.put(t, checkpointPath+"0", test.checkpoint)
			d := startDaemon(t, blobSettings(t, hub, c, s.URL))
			s.await(t, fed.total()-int(test.removed))
			eventually(t, func() bool { return d.out.Contains(test.says) }, "the log says why")
			assert.InDelta(t, test.missing, d.metric(t, `aks_audit_log_missing_events_total{partition="0"}`), 0)
			d.stop(t)
			assert.Equal(t, fed.sent["0"][test.removed:], s.accepted())
			assertCaughtUp(t, hub, c)
		})
	}
}
