package partition

import (
	"strings"
	"testing"
	"testing/synctest"

	"github.com/sirupsen/logrus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/internal/eventhubtest"
)

func TestAPartitionWhoseRecordsNameNoClusterSaysSoOnce(t *testing.T) {
	b := eventhubtest.NewBench(1)
	b.Cfg.ClusterName = true
	b.Hub.Append("0", eventhubtest.OneEach("a", "b", "c")...)
	stop := startPartitions(t, b)
	assert.Equal(t, []string{"a", "b", "c"}, b.Sink.Await(3))
	stop()
	var said int
	for _, entry := range b.Logged.AllEntries() {
		if strings.Contains(entry.Message, "say of no cluster") {
			said++
		}
	}
	assert.Equal(t, 1, said)
}

func TestHubEventsThatAreMissingAreCountedAndLoggedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewBench(1)
		b.Hub.AppendEvent(eventhub.Event{Sequence: 7, Body: eventhubtest.OneEach("a")[0]})
		b.Hub.AppendEvent(eventhub.Event{Sequence: 8, Body: eventhubtest.OneEach("b")[0]})
		b.Hub.AppendEvent(eventhub.Event{Sequence: 12, Body: eventhubtest.OneEach("c")[0]})
		b.Hub.AppendEvent(eventhub.Event{Sequence: 13, Body: eventhubtest.OneEach("d")[0]})
		stop := startPartitions(t, b)
		assert.Equal(t, []string{"a", "b", "c", "d"}, b.Sink.Await(4))
		stop()
		assert.Equal(t, 3.0, b.Metric(t, "aks_audit_log_missing_events_total", "0"), "not those before the oldest event")
		var said []logrus.Fields
		for _, entry := range b.Logged.AllEntries() {
			if missing, told := entry.Data["missing"]; told {
				assert.Equal(t, logrus.WarnLevel, entry.Level)
				said = append(said, logrus.Fields{"missing": missing, "after": entry.Data["after"], "before": entry.Data["before"]})
			}
		}
		assert.Equal(t, []logrus.Fields{{"missing": int64(3), "after": int64(8), "before": int64(12)}}, said)
	})
}

func TestWhatRetentionRemovedBehindTheCheckpointIsMissing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewBench(1)
		b.Store.Move("0", 4)
		b.Hub.AppendEvent(eventhub.Event{Sequence: 7, Body: eventhubtest.OneEach("a")[0]})
		stop := startPartitions(t, b)
		b.Sink.Await(1)
		stop()
		assert.Equal(t, 2.0, b.Metric(t, "aks_audit_log_missing_events_total", "0"))
	})
}

func TestAnEventThatTheClientCannotReadIsADeadLetterThatNamesIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewBench(1)
		b.Hub.AppendEvent(eventhub.Event{Sequence: 0, Unreadable: "enqueued time cannot be converted"})
		b.Hub.AppendEvent(eventhub.Event{Sequence: 1, Body: []byte("not gzip"), Encoding: "gzip"})
		b.Hub.AppendEvent(eventhub.Event{Sequence: 2, Body: eventhubtest.Gzipped(t, eventhubtest.OneEach("good")[0]), Encoding: "gzip"})
		stop := startPartitions(t, b)
		assert.Equal(t, []string{"good"}, b.Sink.Await(1))
		stop()
		require.Len(t, b.Store.Letters, 2)
		unreadable, broken := b.Store.Letters[0], b.Store.Letters[1]
		assert.Equal(t, "0/0-0.json", unreadable.Name())
		assert.Equal(t, "unreadable", unreadable.Reason)
		assert.Equal(t, "enqueued time cannot be converted", unreadable.Detail)
		assert.Empty(t, unreadable.Content)
		assert.Equal(t, "bad_encoding", broken.Reason)
		assert.Equal(t, "not gzip", string(broken.Content))
		assert.Equal(t, 1.0, b.Metric(t, "aks_audit_log_dead_letters_total", "unreadable"))
		assert.Equal(t, 1.0, b.Metric(t, "aks_audit_log_dead_letters_total", "bad_encoding"))
		assert.Zero(t, b.Metric(t, "aks_audit_log_missing_events_total", "0"))
	})
}
