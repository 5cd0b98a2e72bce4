package backlog

import (
	"context"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/sirupsen/logrus"
	logtest "github.com/sirupsen/logrus/hooks/test"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/forwarder/audit"
	"aks-audit-log-go/forwarder/metrics"
	"aks-audit-log-go/internal/promtest"
)

const (
	behindLine   = "behind the hub by more than a minute"
	caughtUpLine = "caught up with the hub"
	givenUpLine  = "no longer behind the hub: the partitions that were are no longer owned"
)

// fixture is a monitor in a bubble, and a partition that handles what a test says.
type fixture struct {
	stats  *metrics.Statistics
	reg    *prometheus.Registry
	logged *logtest.Hook
	lag    map[string]int64
}

// watch runs the test in a bubble, with a running monitor.
func watch(t *testing.T, test func(t *testing.T, f fixture)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		log, logged := logtest.NewNullLogger()
		reg := prometheus.NewPedanticRegistry()
		f := fixture{stats: metrics.NewStatistics(reg, "v1", time.Now), reg: reg, logged: logged, lag: map[string]int64{}}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			time.Sleep(time.Millisecond) // so that it reads the counters after what a test does in the same second
			New(f.stats, log).Run(ctx)
		}()
		test(t, f)
		stop()
		<-ended
	})
}

// claim makes a partition owned, with so many waiting hub events, the oldest of that age.
func (f fixture) claim(id string, waiting int64, age time.Duration) {
	f.stats.Partition(id).Owned()
	f.arrive(id, waiting)
	f.stats.Partition(id).Waiting(time.Now().Add(-age))
}

func (f fixture) arrive(id string, hubEvents int64) {
	f.lag[id] += hubEvents
	f.stats.Partition(id).Lag(f.lag[id])
}

// handle handles hub events of two audit events each.
func (f fixture) handle(id string, hubEvents int64) {
	for range hubEvents {
		f.stats.Partition(id).Handled()
	}
	f.stats.Partition(id).Records(audit.Delivered, int(2*hubEvents))
	f.arrive(id, -hubEvents)
}

// work handles hub events of a partition each second, while others arrive, for a time.
func (f fixture) work(id string, seconds int, handled, arriving int64) {
	for range seconds {
		time.Sleep(time.Second) // the bubble's clock
		f.handle(id, handled)
		f.arrive(id, arriving)
	}
}

func (f fixture) lines() (messages []string) {
	for _, entry := range f.logged.AllEntries() {
		messages = append(messages, entry.Message)
	}
	return messages
}

func (f fixture) assertCatchUp(t *testing.T, want float64) {
	t.Helper()
	got, found := promtest.Sample(t, f.reg, "aks_audit_log_catchup_seconds")
	require.True(t, found)
	if math.IsInf(want, 1) {
		assert.True(t, math.IsInf(got, 1), "%v is +Inf", got)
		return
	}
	assert.InDelta(t, want, got, want/10)
}

func TestNothingIsToldWhileNoHubEventWaitsForMoreThanAMinute(t *testing.T) {
	watch(t, func(t *testing.T, f fixture) {
		f.claim("0", 5000, 50*time.Second)
		f.stats.Partition("1").Owned()
		for range 600 {
			time.Sleep(time.Second) // the bubble's clock
			f.stats.Partition("0").Waiting(time.Now().Add(-50 * time.Second))
			f.handle("0", 10)
			f.arrive("0", 10)
		}
		assert.Empty(t, f.lines())
		assert.Nil(t, f.stats.Backlog())
		f.assertCatchUp(t, 0)
	})
}

func TestAnEventAfterAQuietDayIsNoBacklog(t *testing.T) {
	watch(t, func(t *testing.T, f fixture) {
		f.stats.Partition("0").Owned()
		f.stats.Partition("0").Done(time.Now())
		f.stats.Partition("0").Lag(0)
		time.Sleep(24 * time.Hour)   // the bubble's clock
		f.arrive("0", 1)             // the service has reported it, and it is not received yet
		time.Sleep(20 * time.Second) // the bubble's clock
		assert.Nil(t, f.stats.Backlog())
		assert.Empty(t, f.lines())
	})
}

func TestABacklogIsToldOnceAMinuteAndThenThatItIsOver(t *testing.T) {
	watch(t, func(t *testing.T, f fixture) {
		f.claim("0", 18000, 2*time.Hour)
		f.claim("1", 6000, time.Hour)
		began := time.Now()
		for range 12 * 60 {
			f.work("0", 1, 30, 5)
			if f.lag["1"] > 0 {
				f.handle("1", 10)
			}
			if f.lag["0"] < 30 {
				break
			}
		}
		// Both together handle 40 a second while 5 arrive.
		first := f.logged.AllEntries()[0]
		assert.Equal(t, logrus.InfoLevel, first.Level)
		assert.Equal(t, int64(24000-10*35), first.Data["hub_events_left"])
		assert.Equal(t, 2*time.Hour+10*time.Second, first.Data["oldest_age"])
		assert.InDelta(t, 40, first.Data["hub_events_per_second"], 0.1)
		assert.InDelta(t, 80, first.Data["audit_events_per_second"], 0.1)
		assert.Equal(t, "10m31s", first.Data["time_to_catch_up"], "what arrives is known from the second look on")
		entries := f.logged.AllEntries()
		assert.Equal(t, "10m16s", entries[1].Data["time_to_catch_up"], "21550, 35 less each second")
		require.Len(t, entries, 12, "one a minute, at once at the start")
		for i, entry := range entries {
			assert.Equal(t, behindLine, entry.Message)
			assert.Equal(t, time.Duration(i)*time.Minute, entry.Time.Sub(first.Time).Round(time.Second))
		}
		assert.NotNil(t, f.stats.Backlog())

		f.work("0", 10, f.lag["0"]/10, 0)
		f.handle("0", f.lag["0"])
		time.Sleep(interval) // the bubble's clock
		assert.Nil(t, f.stats.Backlog())
		f.assertCatchUp(t, 0)
		entries = f.logged.AllEntries()
		last := entries[len(entries)-1]
		require.Len(t, entries, 13)
		assert.Equal(t, caughtUpLine, last.Message)
		assert.InDelta(t, time.Since(began).Seconds(), last.Data["after"].(time.Duration).Seconds(), 6)
		assert.Equal(t, int64(24000+5*719), last.Data["hub_events"])
		assert.Equal(t, 2*last.Data["hub_events"].(int64), last.Data["audit_events"])
	})
}

func TestTheStatisticsHaveTheBacklog(t *testing.T) {
	watch(t, func(t *testing.T, f fixture) {
		f.claim("0", 6000, time.Hour)
		began := time.Now()
		f.work("0", 61, 50, 10)
		backlog := f.stats.Backlog()
		require.NotNil(t, backlog)
		assert.WithinDuration(t, began, backlog.Since, time.Second)
		assert.Equal(t, int64(6000-60*40), backlog.HubEvents)
		assert.InDelta(t, 3660, backlog.OldestAgeSeconds, 1)
		assert.InDelta(t, 50, backlog.HubEventsPerSecond, 1)
		assert.InDelta(t, 100, backlog.AuditEventsPerSecond, 2)
		assert.InDelta(t, 3600/40.0, *backlog.CatchUpSeconds, 5)
		f.assertCatchUp(t, 90)
	})
}

func TestEachPartitionHasItsOwnBacklog(t *testing.T) {
	watch(t, func(t *testing.T, f fixture) {
		f.claim("0", 6000, time.Hour)
		f.claim("1", 500, 20*time.Minute)
		f.claim("2", 5, time.Second)
		began := time.Now()
		for range 61 {
			f.work("0", 1, 50, 10)
			f.arrive("1", 3)
		}
		first, second := f.stats.Partition("0").Snapshot().Backlog, f.stats.Partition("1").Snapshot().Backlog
		require.NotNil(t, first)
		require.NotNil(t, second)
		assert.WithinDuration(t, began, first.Since, time.Second)
		assert.Equal(t, int64(6000-60*40), first.HubEvents)
		assert.InDelta(t, 3600/40.0, *first.CatchUpSeconds, 5)
		assert.Equal(t, int64(500+60*3), second.HubEvents)
		assert.Nil(t, second.CatchUpSeconds)
		f.stats.Partition("1").Released()
		time.Sleep(interval) // the bubble's clock
		assert.Nil(t, f.stats.Partition("1").Snapshot().Backlog)
	})
}

func TestWithoutProgressTheTimeIsUnknown(t *testing.T) {
	watch(t, func(t *testing.T, f fixture) {
		f.claim("0", 100, 2*time.Minute)
		time.Sleep(11 * time.Second) // the bubble's clock
		require.Equal(t, []string{behindLine}, f.lines())
		assert.Equal(t, "unknown", f.logged.LastEntry().Data["time_to_catch_up"])
		assert.Zero(t, f.logged.LastEntry().Data["hub_events_per_second"])
		f.assertCatchUp(t, math.Inf(1))
	})
}

func TestWhileMoreArrivesThanIsHandledItDoesNotCatchUp(t *testing.T) {
	watch(t, func(t *testing.T, f fixture) {
		f.claim("0", 1000, 2*time.Minute)
		f.work("0", 61, 10, 12)
		f.work("0", 10, 10, 12)
		require.Equal(t, []string{behindLine, behindLine}, f.lines())
		assert.Equal(t, "never at this rate", f.logged.LastEntry().Data["time_to_catch_up"])
		assert.InDelta(t, 10, f.logged.LastEntry().Data["hub_events_per_second"], 0.1)
		f.assertCatchUp(t, math.Inf(1))
	})
}

// TestHubEventsThatDoNotComeAreABacklogAfterAMinute receives none, so that no age is known.
func TestHubEventsThatDoNotComeAreABacklogAfterAMinute(t *testing.T) {
	watch(t, func(t *testing.T, f fixture) {
		f.stats.Partition("0").Owned()
		f.arrive("0", 7)
		time.Sleep(59 * time.Second) // the bubble's clock
		assert.Nil(t, f.stats.Backlog())
		time.Sleep(20 * time.Second) // the bubble's clock
		require.NotNil(t, f.stats.Backlog())
		assert.Equal(t, []string{behindLine}, f.lines())
	})
}

func TestABacklogWhosePartitionsAreGivenUpIsNotSaidToBeCaughtUp(t *testing.T) {
	watch(t, func(t *testing.T, f fixture) {
		f.claim("0", 7000, time.Hour)
		f.work("0", 20, 10, 0)
		f.stats.Partition("0").Released()
		time.Sleep(interval) // the bubble's clock
		assert.Equal(t, []string{behindLine, givenUpLine}, f.lines())
		assert.Equal(t, int64(200), f.logged.LastEntry().Data["hub_events"])
		f.assertCatchUp(t, 0)
	})
}

func TestABacklogThatIsGoneWithinTwoLooksIsNotTold(t *testing.T) {
	watch(t, func(t *testing.T, f fixture) {
		f.claim("0", 70, time.Hour)
		f.work("0", 7, 10, 0)
		time.Sleep(time.Minute) // the bubble's clock
		assert.Empty(t, f.lines())
	})
}

// TestAPartitionThatIsNowAndThenAMinuteBehindFillsNoLog is above the limit for 20 seconds of each 40.
func TestAPartitionThatIsNowAndThenAMinuteBehindFillsNoLog(t *testing.T) {
	watch(t, func(t *testing.T, f fixture) {
		f.claim("0", 10, 0)
		for second := range 600 {
			age := 20 * time.Second
			if second%40 < 20 {
				age = 61 * time.Second
			}
			f.stats.Partition("0").Waiting(time.Now().Add(-age))
			f.work("0", 1, 1, 1)
		}
		behind := 0
		for _, line := range f.lines() {
			if line == behindLine {
				behind++
			}
		}
		assert.LessOrEqual(t, behind, 10, "one a minute")
		assert.LessOrEqual(t, len(f.lines()), 2*behind)
	})
}

func TestABacklogIsOverOnceNothingWaitsForHalfAMinute(t *testing.T) {
	watch(t, func(t *testing.T, f fixture) {
		f.claim("0", 1000, 2*time.Minute)
		time.Sleep(11 * time.Second) // the bubble's clock
		for age, over := range map[time.Duration]bool{40 * time.Second: false, 20 * time.Second: true} {
			f.stats.Partition("0").Waiting(time.Now().Add(interval - age))
			f.work("0", 5, 1, 1)
			assert.Equal(t, over, f.stats.Backlog() == nil, "the oldest is %s old", age)
			f.stats.Partition("0").Waiting(time.Now().Add(-2 * time.Minute))
			f.work("0", 5, 1, 1)
		}
	})
}

func TestRatesAreThoseOfTheLastMinute(t *testing.T) {
	watch(t, func(t *testing.T, f fixture) {
		f.claim("0", 10000, 2*time.Minute)
		f.work("0", 90, 10, 0)
		f.work("0", 30, 40, 0)
		time.Sleep(2 * time.Millisecond) // the next reading
		assert.InDelta(t, 25, f.stats.Backlog().HubEventsPerSecond, 0.1)
	})
}

func TestALongTimeIsTold(t *testing.T) {
	assert.Equal(t, longest, seconds(1e300))
	assert.Equal(t, 2*time.Second, seconds(1.6))
}
