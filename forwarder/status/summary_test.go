package status

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/forwarder/metrics"
)

// late is a backlog that was first seen so long ago, and whose oldest hub event has waited for that age.
func (f fixture) late(age, seen time.Duration, catchUp *float64) *metrics.Backlog {
	return &metrics.Backlog{Since: f.clock.Time.Add(-seen), HubEvents: 5, OldestAgeSeconds: age.Seconds(), CatchUpSeconds: catchUp}
}

func TestTheSummaryFollowsLagAndAge(t *testing.T) {
	soon := 90.0
	for name, test := range map[string]struct {
		prepare          func(f fixture)
		condition, level string
		works            bool
		section, todo    string
	}{
		"nothing waits": {func(fixture) {}, "up to date", "good", true, "", "Nothing."},
		"it has just begun to handle what waited": {func(f fixture) {
			f.stats.Partition("1").SetBacklog(f.late(11*time.Hour, time.Minute, nil))
		}, "catching up", "warn", true, "AksAuditLogFarBehind", "Raise the retention"},
		"it handles more than arrives": {func(f fixture) {
			f.stats.Partition("1").SetBacklog(f.late(time.Hour, time.Hour, &soon))
		}, "catching up", "warn", true, "A backlog", "Nothing: wait."},
		"more arrives than is handled, since a short time": {func(f fixture) {
			f.stats.Partition("1").SetBacklog(f.late(15*time.Minute, 10*time.Minute, nil))
		}, "falling behind", "warn", true, "AksAuditLogLagGrowing", "Wait, if this is a peak."},
		"more arrives than is handled": {func(f fixture) {
			f.stats.Partition("0").SetBacklog(f.late(time.Hour, time.Hour, &soon))
			f.stats.Partition("1").SetBacklog(f.late(16*time.Minute, 10*time.Minute, nil))
		}, "behind", "bad", true, "AksAuditLogLagGrowing", "Make Falco faster"},
		"the sink fails": {func(f fixture) {
			f.stats.Partition("0").SetBacklog(f.late(16*time.Minute, 10*time.Minute, nil))
			f.health.SinkFailing("1", "the sink answered 503")
		}, "not delivering", "bad", false, "AksAuditLogSinkFailing", "Nothing is lost"},
		"the hub refuses the key": {func(f fixture) { f.health.HubRefuses("1", "wrong key") },
			"not reading", "bad", false, "AksAuditLogNotRead", "Correct what the reason names"},
		"nobody owns a partition": {func(f fixture) { f.balance(map[string]string{"0": "me", "1": ""}); f.stats.Partition("1").Released() },
			"not reading", "bad", false, "AksAuditLogPartitionsUnowned", "Wait a minute"},
		"no round succeeds": {func(f fixture) {
			f.health.Ownership(0, 0, 0)
			f.health.Owners("me", nil)
			f.stats.Partition("0").Released()
			f.stats.Partition("1").Released()
			f.health.OwnershipUnknown("list ownerships: 403")
		}, "not reading", "bad", false, "AksAuditLogPartitionsUnowned", ""},
		"the storage refuses the key": {func(f fixture) { f.health.StorageRefuses("wrong key") },
			"not ready", "bad", false, "What the probes say", ""},
		"it waits for its turn": {func(f fixture) {
			f.balance(map[string]string{"0": "other", "1": "other"})
			f.stats.Partition("0").Released()
			f.stats.Partition("1").Released()
		}, "standing by", "good", true, "", "Nothing: it takes over"},
		"only other categories come": {func(f fixture) { f.health.Unwatched("nothing is watched") },
			"not watching", "bad", false, "AksAuditLogNothingArrives", "Correct the diagnostic setting"},
		"only other categories come, and they wait": {func(f fixture) {
			f.health.Unwatched("nothing is watched")
			f.stats.Partition("1").SetBacklog(f.late(time.Hour, time.Hour, &soon))
		}, "not watching", "bad", false, "AksAuditLogNothingArrives", ""},
		"it stops": {func(f fixture) { f.health.Stopping() }, "stopping", "warn", true, "", "Nothing: another replica"},
		"it is wedged": {func(f fixture) {
			f.health.Watch(time.Minute, f.clock.Now)
			f.clock.Time = f.clock.Time.Add(2 * time.Minute)
		}, "wedged", "bad", false, "AksAuditLogWedged", "Restart it"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.balance(map[string]string{"0": "me", "1": "me"})
			f.stats.Partition("0").Lag(5)
			f.stats.Partition("1").Lag(5)
			test.prepare(f)
			if b := f.stats.Partition("1").Snapshot().Backlog; b != nil {
				f.stats.SetBacklog(b)
			}
			sum := f.overview.Status().Summary
			assert.Equal(t, test.condition, sum.Condition)
			assert.Equal(t, test.level, sum.Level)
			assert.Equal(t, test.works, sum.Works)
			assert.Equal(t, test.section, sum.Section)
			assert.Contains(t, sum.ToDo, test.todo)
			assert.NotContains(t, sum.Why, "not ready:")
			guide, err := os.ReadFile("../../docs/operations.md")
			require.NoError(t, err)
			if test.section == "" {
				assert.Empty(t, sum.Runbook)
				return
			}
			assert.True(t, strings.HasPrefix(sum.Runbook, "docs/operations.md#"))
			assert.Regexp(t, `(?m)^#+ `+test.section+`$`, string(guide), "the section exists")
		})
	}
}

func TestADaemonThatHasJustStartedIsStarting(t *testing.T) {
	f := newFixture(t)
	assert.Equal(t, "starting", f.overview.Status().Summary.Condition)
	f.balance(map[string]string{"0": "me"})
	assert.Equal(t, "starting", f.overview.Status().Summary.Condition, "no lag is known")
}

func TestADropPolicyIsNotSaidToLoseNothing(t *testing.T) {
	f := newFixture(t, "POSTFAILUREPOLICY=drop", "RUNBOOKURL=https://git.example.com/main/")
	f.balance(map[string]string{"0": "me"})
	f.health.SinkFailing("0", "503")
	sum := f.overview.Status().Summary
	assert.Contains(t, sum.ToDo, "are lost")
	assert.NotContains(t, sum.ToDo, "Nothing is lost")
	assert.Equal(t, "https://git.example.com/main/docs/operations.md#aksauditlogsinkfailing", sum.Runbook)
}

func TestAPartitionHasItsConditionAndReason(t *testing.T) {
	f := newFixture(t)
	f.balance(map[string]string{"0": "me", "1": "me", "2": "", "3": "other"})
	f.stats.Partition("0").Lag(0)
	f.health.SinkFailing("1", "the sink answered 503")
	partitions := f.overview.Status().Partitions
	for i, want := range []struct {
		condition Condition
		reason    string
	}{{ConditionUpToDate, ""}, {ConditionNotDelivering, "the sink answered 503"}, {ConditionNotReading, "no replica owns it"}, {"", ""}} {
		assert.Equal(t, want.condition, partitions[i].Condition, i)
		assert.Equal(t, want.reason, partitions[i].Reason, i)
	}
}
