package partition

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/internal/eventhubtest"
)

// entry returns the only line with this message.
func entry(t *testing.T, b *eventhubtest.Bench, message string) *logrus.Entry {
	t.Helper()
	require.Equal(t, 1, b.LogCount(logrus.InfoLevel, message), message)
	for _, entry := range b.Logged.AllEntries() {
		if entry.Message == message {
			return entry
		}
	}
	return nil
}

// atNoon waits until the bubble's clock is later than the first event was enqueued, by that much.
func atNoon(later time.Duration) { time.Sleep(time.Until(eventhubtest.Noon.Add(later))) }

func TestTheStartSaysHowManyHubEventsWaitAndHowOldTheyAre(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewBench(1)
		b.Hub.Append("0", eventhubtest.OneEach("a", "b", "c", "d", "e")...)
		b.Store.MoveCheckpoint("0", 1)
		atNoon(2 * time.Hour)
		stop := startPartitions(t, b)
		b.Sink.Await(3)
		time.Sleep(time.Minute)
		stop()
		starts := entry(t, b, "partition starts")
		assert.Equal(t, int64(3), starts.Data["waiting"])
		assert.Equal(t, "at least 1h59m56s", starts.Data["oldest_age"], "e is the newest")
		oldest := entry(t, b, "partition starts, and hub events are waiting in it")
		assert.Equal(t, int64(2), oldest.Data["sequence"])
		assert.Equal(t, 2*time.Hour-2*time.Second, oldest.Data["oldest_age"], "of c")
		assert.Equal(t, int64(3), oldest.Data["waiting"])
	})
}

func TestTheStartSaysHowManyHubEventsOfAHubMadeAnewWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewBench(1)
		b.Hub.Append("0", eventhubtest.OneEach("a", "b", "c", "d", "e")...)
		stop := startPartitions(t, b)
		b.Sink.Await(5)
		stop()
		b.Logged.Reset()
		b.Hub.Remake()
		b.Hub.Append("0", eventhubtest.OneEach("x", "y", "z")...)
		stop = startPartitions(t, b)
		b.Sink.Await(8)
		stop()
		for _, entry := range b.Logged.AllEntries() {
			if entry.Message == "partition does not start at its checkpoint" {
				assert.Equal(t, int64(3), entry.Data["waiting"])
				return
			}
		}
		assert.Fail(t, "the start was not logged")
	})
}

func TestTheStartIsNotSaidToBeBehindIfNothingOldWaits(t *testing.T) {
	for name, sequence := range map[string]int64{"a fresh event": 3, "nothing": 4} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := eventhubtest.NewBench(1)
				b.Hub.Append("0", eventhubtest.OneEach("a", "b", "c", "d", "e")...)
				b.Store.MoveCheckpoint("0", sequence)
				atNoon(44 * time.Second)
				stop := startPartitions(t, b)
				time.Sleep(time.Minute)
				b.Hub.Append("0", eventhubtest.OneEach("f")...)
				b.Sink.Await(int(5 - sequence))
				stop()
				starts := entry(t, b, "partition starts")
				assert.Equal(t, 4-sequence, starts.Data["waiting"])
				if sequence == 3 {
					assert.Equal(t, "40s", starts.Data["oldest_age"], "it is the only one, so its age is known")
				} else {
					assert.NotContains(t, starts.Data, "oldest_age")
				}
				assert.Zero(t, b.LogCount(logrus.InfoLevel, "partition starts, and hub events are waiting in it"))
			})
		})
	}
}

func TestWhatRetentionHasRemovedDoesNotWait(t *testing.T) {
	waiting := newWaitingAtStart(startPoint{
		Position: eventhub.Position{Sequence: 10}, info: eventhub.PartitionInfo{First: 100, Last: 104},
	})
	assert.Equal(t, logrus.Fields{"waiting": int64(5)}, waiting.fields())
}

func TestTheStatisticsHaveTheOldestHubEventInHandAndEachThatIsHandled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewBench(1)
		b.Cfg.PostBatchMaxEvents = 1
		b.Sink.Gate = make(chan struct{}, 10)
		b.Hub.Append("0", eventhubtest.OneEach("a", "b", "c")...)
		stop := startPartitions(t, b)
		b.Sink.Gate <- struct{}{}
		b.Sink.Await(1)
		synctest.Wait()
		now := b.Stats.Partition("0").Snapshot()
		assert.Equal(t, int64(1), now.Handled)
		assert.True(t, eventhubtest.Noon.Add(time.Second).Equal(now.Oldest), "b is in hand: %s", now.Oldest)
		close(b.Sink.Gate)
		b.Sink.Await(3)
		synctest.Wait()
		now = b.Stats.Partition("0").Snapshot()
		assert.Equal(t, int64(3), now.Handled)
		assert.Zero(t, now.Oldest, "nothing is in hand")
		stop()
	})
}

func TestAHubEventThatIsReadAgainIsHandledOnce(t *testing.T) {
	b := eventhubtest.NewBench(1)
	l := &lag{partition: "0", stats: b.Stats.Partition("0"), health: b.Health}
	l.start(eventhub.Beginning())
	for _, sequence := range []int64{0, 1, 2, 1, 2, 3} {
		l.processed(eventhub.Position{Sequence: sequence})
	}
	assert.Equal(t, int64(4), b.Stats.Partition("0").Snapshot().Handled)
}
