package health

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/assert"

	"aks-audit-log-go/internal/promtest"
)

// watchedHealth is a Health with a watchdog of 5 minutes and its own clock.
type watchedHealth struct {
	*Health
	now time.Time
}

func newWatchedHealth() *watchedHealth {
	h := &watchedHealth{Health: NewHealth(), now: time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)}
	h.Watch(5*time.Minute, func() time.Time { return h.now })
	return h
}

func (h *watchedHealth) after(d time.Duration) { h.now = h.now.Add(d) }

// minutes lets n minutes pass, in each of which the hub answers a management request.
func (h *watchedHealth) minutes(n int) {
	for range n {
		h.after(time.Minute)
		h.HubAnswered()
	}
}

func TestTheWatchdogDistinguishesAWedgeFromWaiting(t *testing.T) {
	const well = "ok"
	tests := map[string]struct {
		happened func(h *watchedHealth)
		want     string
	}{
		"just started":                         {func(*watchedHealth) {}, well},
		"the hub never answered, not long yet": {func(h *watchedHealth) { h.after(5*time.Minute - 1) }, well},
		"the hub never answered": {
			func(h *watchedHealth) { h.after(5 * time.Minute) }, "wedged: the hub has answered no request for 5m0s",
		},
		"the hub stopped answering": {
			func(h *watchedHealth) { h.minutes(60); h.after(6 * time.Minute) }, "wedged: the hub has answered no request for 6m0s",
		},
		"the hub answers again":      {func(h *watchedHealth) { h.after(time.Hour); h.HubAnswered() }, well},
		"standing by, the hub is up": {func(h *watchedHealth) { h.minutes(60) }, well},
		"quiet partitions": {
			func(h *watchedHealth) { h.PartitionLag("0", 0); h.PartitionLag("1", 0); h.minutes(60) }, well,
		},
		"events to read, not for long": {
			func(h *watchedHealth) { h.PartitionLag("0", 0); h.minutes(60); h.PartitionLag("0", 7); h.minutes(4) }, well,
		},
		"events to read, and none is": {
			func(h *watchedHealth) { h.PartitionLag("0", 0); h.minutes(60); h.PartitionLag("0", 7); h.minutes(5) },
			"wedged: partition 0 has made no progress for 5m0s, with 7 hub events to read",
		},
		"more and more of them, and none is read": {
			func(h *watchedHealth) {
				for lag := range int64(10) {
					h.PartitionLag("0", lag)
					h.minutes(1)
				}
			}, "wedged: partition 0 has made no progress for 9m0s, with 9 hub events to read",
		},
		"one partition of many": {
			func(h *watchedHealth) {
				h.PartitionLag("10", 3)
				h.PartitionLag("9", 1)
				for range 6 {
					h.PartitionLag("2", 100)
					h.Handling("2")()
					h.minutes(1)
				}
			}, "wedged: partition 9 has made no progress for 6m0s, with 1 hub events to read; " +
				"partition 10 has made no progress for 6m0s, with 3 hub events to read",
		},
		"a large lag, but progress": {
			func(h *watchedHealth) {
				for range 10 {
					h.PartitionLag("0", 1000000)
					h.Handling("0")()
					h.minutes(4)
				}
			}, well,
		},
		"an event in hand for hours: the sink is slow or down, or the storage is": {
			func(h *watchedHealth) { h.PartitionLag("0", 9); h.Handling("0"); h.minutes(600) }, well,
		},
		"the event that was in hand for hours has just left it": {
			func(h *watchedHealth) {
				h.PartitionLag("0", 9)
				done := h.Handling("0")
				h.minutes(600)
				done()
				h.minutes(4)
			}, well,
		},
		"an event was in hand for hours, and no other came after it": {
			func(h *watchedHealth) {
				h.PartitionLag("0", 9)
				done := h.Handling("0")
				h.minutes(600)
				done()
				h.minutes(5)
			},
			"wedged: partition 0 has made no progress for 5m0s, with 9 hub events to read",
		},
		"the events to read were read, and others came": {
			func(h *watchedHealth) {
				h.PartitionLag("0", 9)
				h.minutes(4)
				h.PartitionLag("0", 0)
				h.minutes(4)
				h.PartitionLag("0", 1)
				h.minutes(4)
			}, well,
		},
		"another replica has the partition now": {
			func(h *watchedHealth) { h.PartitionLag("0", 9); h.minutes(4); h.Released("0"); h.minutes(4) }, well,
		},
		"the partition came back": {
			func(h *watchedHealth) {
				h.PartitionLag("0", 9)
				h.minutes(60)
				h.Released("0")
				h.PartitionLag("0", 9)
				h.minutes(4)
			}, well,
		},
		"both": {
			func(h *watchedHealth) { h.PartitionLag("0", 2); h.after(5 * time.Minute) },
			"wedged: the hub has answered no request for 5m0s; partition 0 has made no progress for 5m0s, with 2 hub events to read",
		},
		"stopping": {
			func(h *watchedHealth) { h.PartitionLag("0", 2); h.after(time.Hour); h.Stopping() }, well,
		},
		"the sink is down": {
			func(h *watchedHealth) {
				h.PartitionLag("0", 2)
				h.Handling("0")
				h.SinkFailing("0", "503")
				h.minutes(600)
			}, well,
		},
		"the storage is away": {
			func(h *watchedHealth) { h.OwnershipUnknown("503"); h.minutes(600) }, well,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			h := newWatchedHealth()
			test.happened(h)
			alive, why := h.Alive()
			assert.Equal(t, test.want, why)
			assert.Equal(t, test.want == well, alive)
		})
	}
}

func TestTheDaemonIsAlwaysAliveWithoutAWatchdog(t *testing.T) {
	h := newWatchedHealth()
	h.Watch(0, func() time.Time { return h.now })
	h.PartitionLag("0", 2)
	h.Handling("0")()
	h.HubAnswered()
	h.after(24 * time.Hour)
	alive, why := h.Alive()
	assert.True(t, alive, why)
}

func TestTheProbesAreMetricsToo(t *testing.T) {
	h, reg := newWatchedHealth(), prometheus.NewRegistry()
	h.Register(reg)
	assertShows := func(healthy, ready, partitions, sinkFailing float64) {
		t.Helper()
		promtest.AssertSample(t, reg, healthy, "aks_audit_log_healthy")
		promtest.AssertSample(t, reg, ready, "aks_audit_log_ready")
		promtest.AssertSample(t, reg, partitions, "aks_audit_log_partitions")
		promtest.AssertSample(t, reg, sinkFailing, "aks_audit_log_sink_failing_partitions")
	}
	assertShows(1, 0, 0, 0)
	h.Ownership(3, 4, 1)
	assertShows(1, 1, 4, 0)
	h.SinkFailing("0", "503")
	h.SinkFailing("2", "503")
	assertShows(1, 0, 4, 2)
	h.SinkAnswered("0")
	h.Released("2")
	assertShows(1, 1, 4, 0)
	h.after(time.Hour)
	assertShows(0, 0, 4, 0)
	problems, err := testutil.GatherAndLint(reg)
	assert.NoError(t, err)
	assert.Empty(t, problems)
}
