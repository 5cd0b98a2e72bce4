package metrics

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"aks-audit-log-go/internal/promtest"
)

const (
	lagOf7   = `aks_audit_log_partition_lag_events{partition="7"}`
	ageOf7   = `aks_audit_log_newest_delivered_event_age_seconds{partition="7"}`
	ownedOf7 = `aks_audit_log_partition_owned{partition="7"}`
)

func TestTheAgeOfTheNewestDeliveredEventIsComputedAtTheScrape(t *testing.T) {
	stats, reg, at := newTestStatistics(t)
	stats.Partition("7").Owned()
	promtest.AssertNoSample(t, reg, ageOf7)

	stats.Partition("7").Done(at.Time.Add(-3 * time.Second))
	promtest.AssertSample(t, reg, 3, ageOf7)
	at.Time = at.Time.Add(time.Minute)
	promtest.AssertSample(t, reg, 63, ageOf7)
}

func TestAnOlderEventDoesNotChangeTheAge(t *testing.T) {
	stats, reg, at := newTestStatistics(t)
	stats.Partition("7").Owned()
	stats.Partition("7").Done(at.Time.Add(-time.Second))
	stats.Partition("7").Done(at.Time.Add(-time.Hour))
	stats.Partition("7").Done(time.Time{})
	promtest.AssertSample(t, reg, 1, ageOf7)
}

func TestAnEventFromTheFutureHasAgeZero(t *testing.T) {
	stats, reg, at := newTestStatistics(t)
	stats.Partition("7").Owned()
	stats.Partition("7").Done(at.Time.Add(time.Minute))
	promtest.AssertSample(t, reg, 0, ageOf7)
}

func TestLagIsShownOnceItIsKnown(t *testing.T) {
	stats, reg, _ := newTestStatistics(t)
	stats.Partition("7").Owned()
	promtest.AssertNoSample(t, reg, lagOf7)
	stats.Partition("7").Lag(12)
	promtest.AssertSample(t, reg, 12, lagOf7)
	stats.Partition("7").Lag(0)
	promtest.AssertSample(t, reg, 0, lagOf7)
	stats.Partition("7").Lag(-3)
	promtest.AssertSample(t, reg, 0, lagOf7)
}

func TestAReleasedPartitionKeepsOnlyItsCounters(t *testing.T) {
	stats, reg, at := newTestStatistics(t)
	stats.Partition("7").Owned()
	stats.Partition("8").Owned()
	stats.Partition("7").Received(10)
	stats.Partition("7").Lag(12)
	stats.Partition("7").Done(at.Time)
	promtest.AssertSample(t, reg, 2, "aks_audit_log_partitions_owned")

	stats.Partition("7").Released()
	promtest.AssertNoSample(t, reg, lagOf7)
	promtest.AssertNoSample(t, reg, ageOf7)
	promtest.AssertSample(t, reg, 0, ownedOf7)
	promtest.AssertSample(t, reg, 1, "aks_audit_log_partitions_owned")
	promtest.AssertSample(t, reg, 1, `aks_audit_log_hub_events_total{partition="7"}`)

	// Calls after the release must not bring them back.
	stats.Partition("7").Lag(11)
	stats.Partition("7").Done(at.Time)
	promtest.AssertNoSample(t, reg, lagOf7)
	promtest.AssertNoSample(t, reg, ageOf7)
}

func TestAPartitionOwnedAgainHasNoOldLagAndAge(t *testing.T) {
	stats, reg, at := newTestStatistics(t)
	stats.Partition("7").Owned()
	stats.Partition("7").Lag(12)
	stats.Partition("7").Done(at.Time)
	stats.Partition("7").Released()
	stats.Partition("7").Owned()
	promtest.AssertNoSample(t, reg, lagOf7)
	promtest.AssertNoSample(t, reg, ageOf7)
	promtest.AssertSample(t, reg, 1, ownedOf7)
}

func TestASecondCallOfOwnedForgetsNothing(t *testing.T) {
	stats, reg, _ := newTestStatistics(t)
	stats.Partition("7").Owned()
	stats.Partition("7").Lag(12)
	stats.Partition("7").Owned()
	promtest.AssertSample(t, reg, 12, lagOf7)
	promtest.AssertSample(t, reg, 1, "aks_audit_log_partitions_owned")
}

func TestAnOwnedPartitionHasItsCountersFromTheStart(t *testing.T) {
	stats, reg, _ := newTestStatistics(t)
	stats.Partition("7").Owned()
	for _, name := range []string{
		"hub_events_total", "hub_event_bytes_total", "checkpoint_writes_total", "checkpoint_failures_total", "receive_failures_total",
	} {
		promtest.AssertSample(t, reg, 0, "aks_audit_log_"+name+`{partition="7"}`)
	}
}

func TestASnapshotSaysWhatIsInHandAndWhatWasHandled(t *testing.T) {
	stats, _, at := newTestStatistics(t)
	p := stats.Partition("7")
	p.Owned()
	assert.Zero(t, p.Snapshot().Oldest)
	p.Waiting(at.Time)
	p.Handled()
	assert.True(t, at.Time.Equal(p.Snapshot().Oldest))
	p.Waiting(time.Time{})
	assert.Zero(t, p.Snapshot().Oldest, "nothing is in hand")
	p.Waiting(at.Time)
	p.Released()
	assert.Zero(t, p.Snapshot().Oldest)
	assert.Equal(t, int64(1), p.Snapshot().Handled, "counts live as long as the process")
	p.Owned()
	assert.Zero(t, p.Snapshot().Oldest, "what was in hand before is not now")
}

func TestTheTimeToCatchUpIsZeroWithoutABacklogAndInfiniteWithoutProgress(t *testing.T) {
	stats, reg, _ := newTestStatistics(t)
	const catchUp = "aks_audit_log_catchup_seconds"
	promtest.AssertSample(t, reg, 0, catchUp)
	stats.SetBacklog(&Backlog{HubEvents: 5})
	value, found := promtest.Sample(t, reg, catchUp)
	assert.True(t, found)
	assert.True(t, math.IsInf(value, 1))
	seconds := 90.0
	stats.SetBacklog(&Backlog{HubEvents: 5, CatchUpSeconds: &seconds})
	promtest.AssertSample(t, reg, 90, catchUp)
	stats.SetBacklog(nil)
	promtest.AssertSample(t, reg, 0, catchUp)
}
