package health

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestReadySaysWhatTheDaemonDoesOrWhyItDoesNot(t *testing.T) {
	tests := map[string]struct {
		happened func(*Health)
		ready    bool
		text     string
	}{
		"just started": {
			func(*Health) {}, false, "not ready: no partition is owned yet: no balancing round has ended",
		},
		"the first round failed": {
			func(h *Health) { h.OwnershipUnknown("list blobs: 403") },
			false, "not ready: no partition is owned yet: list blobs: 403",
		},
		"owning": {
			func(h *Health) { h.Ownership(2, 4, 0) }, true, "ready: owning 2 of 4 partitions",
		},
		"owning while others are still free": {
			func(h *Health) { h.Ownership(1, 4, 3) }, true, "ready: owning 1 of 4 partitions",
		},
		"owning nothing while partitions are free": {
			func(h *Health) { h.Ownership(0, 4, 3) }, false, "not ready: no partition is owned yet: 3 of 4 have no owner",
		},
		"a hub without partitions": {
			func(h *Health) { h.Ownership(0, 0, 0) }, false, "not ready: no partition is owned yet: the hub has none",
		},
		"standing by": {
			func(h *Health) { h.Ownership(0, 4, 0) }, true, "ready: standing by, all 4 partitions are owned by other replicas",
		},
		"a round fails while partitions are owned": {
			func(h *Health) { h.Ownership(2, 4, 0); h.OwnershipUnknown("away") }, true, "ready: owning 2 of 4 partitions",
		},
		"a round fails while standing by": {
			func(h *Health) { h.Ownership(0, 4, 0); h.OwnershipUnknown("away") }, false, "not ready: no partition is owned: away",
		},
		"a round works again": {
			func(h *Health) { h.OwnershipUnknown("away"); h.Ownership(4, 4, 0) }, true, "ready: owning 4 of 4 partitions",
		},
		"a round works again and finds nothing to own": {
			func(h *Health) { h.OwnershipUnknown("away"); h.Ownership(0, 4, 0) },
			true, "ready: standing by, all 4 partitions are owned by other replicas",
		},
		"the last POST failed": {
			func(h *Health) {
				h.Ownership(4, 4, 0)
				h.SinkAnswered("0")
				h.SinkFailing("0", "503 Service Unavailable")
			},
			false, "not ready: the sink does not take audit events of partition 0: 503 Service Unavailable",
		},
		"the sink is back": {
			func(h *Health) { h.Ownership(4, 4, 0); h.SinkFailing("0", "503"); h.SinkAnswered("0") }, true, "ready: owning 4 of 4 partitions",
		},
		"the sink takes what other partitions have": {
			func(h *Health) {
				h.Ownership(4, 4, 0)
				h.SinkFailing("10", "503")
				h.SinkFailing("2", "504")
				h.SinkAnswered("1")
			},
			false, "not ready: the sink does not take audit events of partition 2, 10: 504",
		},
		"the sink takes nothing": {
			func(h *Health) { h.Ownership(2, 4, 0); h.SinkFailing("1", "503"); h.SinkFailing("3", "503") },
			false, "not ready: the sink does not take audit events: 503",
		},
		"the sink did not take what another replica has now": {
			func(h *Health) { h.Ownership(2, 4, 0); h.SinkFailing("1", "503"); h.Released("1") },
			true, "ready: owning 2 of 4 partitions",
		},
		"the hub refuses us later": {
			func(h *Health) { h.Ownership(2, 4, 0); h.HubRefuses("", "no role") }, false, "not ready: no role",
		},
		"the hub refuses the partitions for one reason and the storage for another": {
			func(h *Health) {
				h.Ownership(2, 4, 0)
				h.StorageRefuses("no role for blobs")
				h.HubRefuses("1", "no role")
				h.HubRefuses("3", "no role")
			},
			false, "not ready: no role; no role for blobs",
		},
		"hub and storage accept us again": {
			func(h *Health) {
				h.Ownership(2, 4, 0)
				h.StorageRefuses("no role")
				h.HubRefuses("", "no role")
				h.HubRefuses("1", "no role")
				h.HubRefuses("3", "no role")
				h.StorageAccepts()
				h.HubAccepts("")
				h.HubAccepts("1")
				h.Released("3")
			},
			true, "ready: owning 2 of 4 partitions",
		},
		"owning, and no partition was opened yet": {
			func(h *Health) { h.Claimed("0"); h.Ownership(1, 1, 0) }, false, "not ready: no partition is read yet: the hub has opened none",
		},
		"reading": {
			func(h *Health) { h.Claimed("0"); h.Ownership(1, 1, 0); h.Attached("0") }, true, "ready: owning 1 of 1 partitions",
		},
		"receiving failed once, as it does now and then": {
			func(h *Health) {
				h.Claimed("0")
				h.Ownership(1, 1, 0)
				h.Attached("0")
				h.ReceiveFailed("0", "no group")
			}, true, "ready: owning 1 of 1 partitions",
		},
		"receiving fails again and again, for some partitions": {
			func(h *Health) {
				h.Ownership(3, 3, 0)
				h.Claimed("1")
				h.Attached("1")
				for _, id := range []string{"10", "2"} {
					h.Claimed(id)
					h.ReceiveFailed(id, "no group")
					h.ReceiveFailed(id, "no group for "+id)
				}
			}, false, "not ready: the hub is not read, partition 2, 10: no group for 2",
		},
		"receiving fails again and again, for all partitions": {
			func(h *Health) {
				h.Ownership(2, 2, 0)
				for _, id := range []string{"1", "0"} {
					h.Claimed(id)
					h.ReceiveFailed(id, "no group")
					h.ReceiveFailed(id, "no group")
				}
			}, false, "not ready: the hub is not read: no group",
		},
		"what another replica has now was not read": {
			func(h *Health) {
				h.Ownership(1, 2, 0)
				h.Claimed("0")
				h.Claimed("1")
				h.Attached("0")
				h.ReceiveFailed("1", "no group")
				h.ReceiveFailed("1", "no group")
				h.Released("1")
				h.ReceiveFailed("1", "too late")
			}, true, "ready: owning 1 of 2 partitions",
		},
		"refused from the start": {
			func(h *Health) { h.HubRefuses("", "no role"); h.OwnershipUnknown("no role") },
			false, "not ready: no partition is owned yet: no role",
		},
		"stopping": {
			func(h *Health) { h.Ownership(4, 4, 0); h.Stopping() }, false, "not ready: stopping",
		},
		"everything at once": {
			func(h *Health) { h.OwnershipUnknown("away"); h.SinkFailing("0", "503"); h.Stopping() },
			false, "not ready: stopping; no partition is owned yet: away; the sink does not take audit events: 503",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			health := NewHealth()
			test.happened(health)
			ready, text := health.Ready()
			assert.Equal(t, test.ready, ready)
			assert.Equal(t, test.text, text)
		})
	}
}

func TestAPartitionThatIsNotOpenedSoonAfterItsClaimIsNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		health := NewHealth()
		health.Ownership(2, 2, 0)
		health.Claimed("0")
		health.Attached("0")
		health.Claimed("1")
		time.Sleep(attachWithin - 1) // the bubble's clock
		ready, text := health.Ready()
		assert.True(t, ready, text)
		time.Sleep(2 * time.Nanosecond) // the bubble's clock
		_, text = health.Ready()
		assert.Equal(t, "not ready: the hub is not read, partition 1: the hub has not opened it for 30s", text)
		health.ReceiveFailed("1", "no answer")
		_, text = health.Ready()
		assert.Equal(t, "not ready: the hub is not read, partition 1: no answer", text)
		health.Attached("1")
		ready, text = health.Ready()
		assert.True(t, ready, text)
	})
}

func TestAPartitionThatIsRefusedRightAfterEachAttachIsNotReadUntilOneLasts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		health := NewHealth()
		health.Ownership(1, 1, 0)
		health.Claimed("0")
		for range failuresUntilReported {
			health.Attached("0")
			health.ReceiveFailed("0", "refused")
			time.Sleep(time.Second) // the bubble's clock
		}
		for range 3 {
			health.Attached("0")
			time.Sleep(opensFor - 1) // the bubble's clock
			_, text := health.Ready()
			assert.Equal(t, "not ready: the hub is not read: refused", text)
			health.ReceiveFailed("0", "refused")
		}
		health.Attached("0")
		time.Sleep(opensFor) // the bubble's clock
		health.Attached("0") // the SDK renews a link by itself
		ready, text := health.Ready()
		assert.True(t, ready, text)
		health.ReceiveFailed("0", "the connection was lost")
		ready, text = health.Ready()
		assert.True(t, ready, text)
	})
}

func TestALinkThatIsLostLongAfterTheClaimIsNoReasonUntilOpeningItFailsToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		health := NewHealth()
		health.Ownership(1, 1, 0)
		health.Claimed("0")
		health.Attached("0")
		time.Sleep(time.Hour) // the bubble's clock
		health.ReceiveFailed("0", "the connection was lost")
		ready, text := health.Ready()
		assert.True(t, ready, text)
		health.ReceiveFailed("0", "no route to host")
		_, text = health.Ready()
		assert.Equal(t, "not ready: the hub is not read: no route to host", text)
	})
}

func TestTheFailuresOfEachPartitionAreKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := NewHealth()
		for _, id := range []string{"0", "1", "2", "3"} {
			h.Claimed(id)
		}
		h.Attached("0")
		h.Attached("3")
		h.HubRefuses("1", "the hub refuses the key")
		h.HubRefuses("", "no token")
		h.StorageRefuses("the storage refuses the key")
		h.SinkFailing("3", "the sink answered 503")
		<-time.After(attachWithin)
		failures := h.Failures()
		assert.Equal(t, map[string]string{"1": "the hub refuses the key", "2": "the hub has not opened it for 30s"}, failures.Reading)
		assert.Equal(t, map[string]string{"3": "the sink answered 503"}, failures.Posting)
	})
}

func TestWhatIsWedgedIsNotReady(t *testing.T) {
	h := newWatchedHealth()
	h.Ownership(1, 1, 0)
	h.PartitionLag("0", 7)
	h.minutes(5)
	_, text := h.Ready()
	assert.Equal(t, "not ready: partition 0 has made no progress for 5m0s, with 7 hub events to read", text)
}

func TestHealthIsSafeForConcurrentUse(t *testing.T) {
	health := NewHealth()
	health.Watch(time.Minute, time.Now)
	var calls sync.WaitGroup
	for range 8 {
		calls.Go(func() {
			health.Ownership(1, 1, 0)
			health.OwnershipUnknown("away")
			health.SinkFailing("0", "503")
			health.SinkAnswered("0")
			health.HubAnswered()
			health.Claimed("0")
			health.ReceiveFailed("0", "away")
			health.Attached("0")
			health.HubRefuses("0", "no role")
			health.HubAccepts("0")
			health.StorageRefuses("no role")
			health.StorageAccepts()
			health.PartitionLag("0", 1)
			health.Handling("0")()
			health.Alive()
			health.Ready()
		})
	}
	calls.Wait()
	ready, text := health.Ready()
	assert.True(t, ready, text)
}

func TestRemarksFollowTheAnswerAndDoNotChangeIt(t *testing.T) {
	h := NewHealth()
	h.ThroughProxy("a proxy")
	ready, text := h.Ready()
	assert.False(t, ready)
	assert.Equal(t, "not ready: no partition is owned yet: no balancing round has ended; mind: a proxy", text)
	h.Ownership(1, 1, 0)
	h.AnsweredBy("somebody")
	h.Unwatched("nothing is watched")
	ready, text = h.Ready()
	assert.True(t, ready)
	assert.Equal(t, "ready: owning 1 of 1 partitions; mind: nothing is watched; mind: somebody; mind: a proxy", text)
	h.Unwatched("")
	_, text = h.Ready()
	assert.Equal(t, "ready: owning 1 of 1 partitions; mind: somebody; mind: a proxy", text)
	assert.Equal(t, Remarks{Proxy: "a proxy", Intermediary: "somebody"}, h.Remarks())
}
