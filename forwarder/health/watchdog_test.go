package health

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/assert"

	"aks-audit-log-go/internal/promtest"
)

// kept is a health with a watchdog of 5 minutes, and the clock of its test.
type kept struct {
	*Health
	now time.Time
}

func newKept() *kept {
	k := &kept{Health: NewHealth(), now: time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)}
	k.Watch(5*time.Minute, func() time.Time { return k.now })
	return k
}

func (k *kept) after(d time.Duration) { k.now = k.now.Add(d) }

// minutes lets time go by, in which the hub answers questions.
func (k *kept) minutes(n int) {
	for range n {
		k.after(time.Minute)
		k.HubAnswered()
	}
}

func TestTheWatchdogTellsAWedgeFromWaiting(t *testing.T) {
	const well = "ok"
	tests := map[string]struct {
		happened func(k *kept)
		want     string
	}{
		"just started":                         {func(*kept) {}, well},
		"the hub never answered, not long yet": {func(k *kept) { k.after(5*time.Minute - 1) }, well},
		"the hub never answered": {
			func(k *kept) { k.after(5 * time.Minute) }, "wedged: the hub has answered no question for 5m0s",
		},
		"the hub stopped answering": {
			func(k *kept) { k.minutes(60); k.after(6 * time.Minute) }, "wedged: the hub has answered no question for 6m0s",
		},
		"the hub answers again":      {func(k *kept) { k.after(time.Hour); k.HubAnswered() }, well},
		"standing by, the hub is up": {func(k *kept) { k.minutes(60) }, well},
		"quiet partitions": {
			func(k *kept) { k.PartitionLag("0", 0); k.PartitionLag("1", 0); k.minutes(60) }, well,
		},
		"events to read, not for long": {
			func(k *kept) { k.PartitionLag("0", 0); k.minutes(60); k.PartitionLag("0", 7); k.minutes(4) }, well,
		},
		"events to read, and none is": {
			func(k *kept) { k.PartitionLag("0", 0); k.minutes(60); k.PartitionLag("0", 7); k.minutes(5) },
			"wedged: partition 0 has made no progress for 5m0s, with 7 hub events to read",
		},
		"more and more of them, and none is read": {
			func(k *kept) {
				for lag := range int64(10) {
					k.PartitionLag("0", lag)
					k.minutes(1)
				}
			}, "wedged: partition 0 has made no progress for 9m0s, with 9 hub events to read",
		},
		"one partition of many": {
			func(k *kept) {
				k.PartitionLag("10", 3)
				k.PartitionLag("9", 1)
				for range 6 {
					k.PartitionLag("2", 100)
					k.Handling("2")()
					k.minutes(1)
				}
			}, "wedged: partition 9 has made no progress for 6m0s, with 1 hub events to read; " +
				"partition 10 has made no progress for 6m0s, with 3 hub events to read",
		},
		"far behind, but getting on": {
			func(k *kept) {
				for range 10 {
					k.PartitionLag("0", 1000000)
					k.Handling("0")()
					k.minutes(4)
				}
			}, well,
		},
		"an event in hand for hours: the sink is slow or down, or the storage is": {
			func(k *kept) { k.PartitionLag("0", 9); k.Handling("0"); k.minutes(600) }, well,
		},
		"the event that was in hand for hours has just left it": {
			func(k *kept) { k.PartitionLag("0", 9); done := k.Handling("0"); k.minutes(600); done(); k.minutes(4) }, well,
		},
		"an event was in hand for hours, and no other came behind it": {
			func(k *kept) { k.PartitionLag("0", 9); done := k.Handling("0"); k.minutes(600); done(); k.minutes(5) },
			"wedged: partition 0 has made no progress for 5m0s, with 9 hub events to read",
		},
		"the events to read were read, and others came": {
			func(k *kept) {
				k.PartitionLag("0", 9)
				k.minutes(4)
				k.PartitionLag("0", 0)
				k.minutes(4)
				k.PartitionLag("0", 1)
				k.minutes(4)
			}, well,
		},
		"another replica has the partition now": {
			func(k *kept) { k.PartitionLag("0", 9); k.minutes(4); k.Released("0"); k.minutes(4) }, well,
		},
		"the partition came back": {
			func(k *kept) {
				k.PartitionLag("0", 9)
				k.minutes(60)
				k.Released("0")
				k.PartitionLag("0", 9)
				k.minutes(4)
			}, well,
		},
		"both": {
			func(k *kept) { k.PartitionLag("0", 2); k.after(5 * time.Minute) },
			"wedged: the hub has answered no question for 5m0s; partition 0 has made no progress for 5m0s, with 2 hub events to read",
		},
		"stopping": {
			func(k *kept) { k.PartitionLag("0", 2); k.after(time.Hour); k.Stopping() }, well,
		},
		"the sink is down": {
			func(k *kept) { k.PartitionLag("0", 2); k.Handling("0"); k.SinkFailing("0", "503"); k.minutes(600) }, well,
		},
		"the storage is away": {
			func(k *kept) { k.OwnershipUnknown("503"); k.minutes(600) }, well,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			k := newKept()
			test.happened(k)
			alive, why := k.Alive()
			assert.Equal(t, test.want, why)
			assert.Equal(t, test.want == well, alive)
		})
	}
}

func TestWithoutAWatchdogTheDaemonIsAlwaysAlive(t *testing.T) {
	k := newKept()
	k.Watch(0, func() time.Time { return k.now })
	k.PartitionLag("0", 2)
	k.Handling("0")()
	k.HubAnswered()
	k.after(24 * time.Hour)
	alive, why := k.Alive()
	assert.True(t, alive, why)
}

func TestTheProbesAndWhatTheyDependOnAreMetricsToo(t *testing.T) {
	k, reg := newKept(), prometheus.NewRegistry()
	k.Register(reg)
	assertShows := func(healthy, ready, partitions, sinkFailing float64) {
		t.Helper()
		promtest.AssertSample(t, reg, healthy, "aks_audit_log_healthy")
		promtest.AssertSample(t, reg, ready, "aks_audit_log_ready")
		promtest.AssertSample(t, reg, partitions, "aks_audit_log_partitions")
		promtest.AssertSample(t, reg, sinkFailing, "aks_audit_log_sink_failing_partitions")
	}
	assertShows(1, 0, 0, 0)
	k.Ownership(3, 4, 1)
	k.after(time.Hour)
	assertShows(0, 1, 4, 0)
	k.SinkFailing("0", "503")
	k.SinkFailing("2", "503")
	assertShows(0, 0, 4, 2)
	k.SinkAnswered("0")
	k.Released("2")
	assertShows(0, 1, 4, 0)
	problems, err := testutil.GatherAndLint(reg)
	assert.NoError(t, err)
	assert.Empty(t, problems)
}
