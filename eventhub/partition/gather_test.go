package partition

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/forwarder/audit"
	"aks-audit-log-go/internal/eventhubtest"
)

func TestAPartitionWhoseRecordsNameNoClusterSaysSoOnce(t *testing.T) {
	b := eventhubtest.NewBench(1)
	b.Cfg.ClusterName = true
	b.Hub.Append("0", eventhubtest.OneEach("a", "b", "c")...)
	stop := startPartitions(t, b)
	assert.Equal(t, []string{"a", "b", "c"}, b.Sink.Await(3))
	stop()
	warnings := 0
	for _, entry := range b.Logged.AllEntries() {
		if strings.Contains(entry.Message, "do not name their cluster") {
			warnings++
		}
	}
	assert.Equal(t, 1, warnings)
}

func TestWhatIsSkippedForWantOfACategoryIsSaidOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewBench(2)
		skip := func(partition, id string, bodies ...string) {
			for _, body := range bodies {
				b.Hub.Append(partition, []byte(body))
			}
			b.Hub.Append(partition, eventhubtest.Together(id))
		}
		stop := startPartitions(t, b)
		skip("0", "a", `{"password":"hunter2","x":1}`, `{"y":1}`, "text", "more text", `{"category":"guard"}`)
		b.Sink.Await(1)
		skip("1", "b", `{"z":1}`)
		b.Sink.Await(2)
		time.Sleep(time.Minute) // the bubble's clock
		skip("0", "c", `{"y":2}`)
		b.Sink.Await(3)
		stop()
		var members []any
		texts := 0
		for _, entry := range b.Logged.AllEntries() {
			if !strings.HasPrefix(entry.Message, "skipped") {
				continue
			}
			assert.Equal(t, logrus.WarnLevel, entry.Level)
			if shape, ok := entry.Data["members"]; ok {
				members = append(members, shape, entry.Data["more_since"])
			} else {
				texts++
			}
			line, err := entry.String()
			require.NoError(t, err)
			assert.NotContains(t, line, "hunter2")
		}
		assert.Equal(t, []any{"password, x", nil, "y", 2}, members)
		assert.Equal(t, 1, texts)
		assert.Equal(t, 6.0, b.Metric(t, `aks_audit_log_skipped_records_total{category="none"}`))
	})
}

func TestHubEventsThatAreMissingAreCountedAndLoggedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewBench(1)
		b.Hub.AppendEvent(eventhub.Event{Sequence: 7, Body: eventhubtest.Together("a")})
		b.Hub.AppendEvent(eventhub.Event{Sequence: 8, Body: eventhubtest.Together("b")})
		b.Hub.AppendEvent(eventhub.Event{Sequence: 12, Body: eventhubtest.Together("c")})
		b.Hub.AppendEvent(eventhub.Event{Sequence: 13, Body: eventhubtest.Together("d")})
		stop := startPartitions(t, b)
		assert.Equal(t, []string{"a", "b", "c", "d"}, b.Sink.Await(4))
		stop()
		assert.Equal(t, 3.0, b.Metric(t, `aks_audit_log_missing_events_total{partition="0"}`),
			"not those before the oldest event")
		var warnings []logrus.Fields
		for _, entry := range b.Logged.AllEntries() {
			if missing, counted := entry.Data["missing"]; counted {
				assert.Equal(t, logrus.WarnLevel, entry.Level)
				warnings = append(warnings,
					logrus.Fields{"missing": missing, "after": entry.Data["after"], "before": entry.Data["before"]})
			}
		}
		assert.Equal(t, []logrus.Fields{{"missing": int64(3), "after": int64(8), "before": int64(12)}}, warnings)
	})
}

func TestWhatRetentionRemovedAfterTheCheckpointIsMissing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewBench(1)
		b.Store.MoveCheckpoint("0", 4)
		b.Hub.AppendEvent(eventhub.Event{Sequence: 7, Body: eventhubtest.Together("a")})
		stop := startPartitions(t, b)
		b.Sink.Await(1)
		stop()
		assert.Equal(t, 2.0, b.Metric(t, `aks_audit_log_missing_events_total{partition="0"}`))
	})
}

func TestAnEventThatTheClientCannotReadIsADeadLetterThatNamesIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewBench(1)
		b.Hub.AppendEvent(eventhub.Event{Sequence: 0, Unreadable: "enqueued time cannot be converted"})
		b.Hub.AppendEvent(eventhub.Event{Sequence: 1, Body: []byte("not gzip"), Encoding: "gzip"})
		good := eventhubtest.Gzipped(t, eventhubtest.Together("good"))
		b.Hub.AppendEvent(eventhub.Event{Sequence: 2, Body: good, Encoding: "gzip"})
		stop := startPartitions(t, b)
		assert.Equal(t, []string{"good"}, b.Sink.Await(1))
		stop()
		letters := b.Store.DeadLetters()
		require.Len(t, letters, 2)
		unreadable, broken := letters[0], letters[1]
		assert.Equal(t, "0/0-0-1769860800000.json", unreadable.Name())
		assert.Equal(t, "unreadable", unreadable.Reason)
		assert.Equal(t, "enqueued time cannot be converted", unreadable.Detail)
		assert.Empty(t, unreadable.Content)
		assert.Equal(t, "bad_encoding", broken.Reason)
		assert.Equal(t, "not gzip", string(broken.Content))
		assert.Equal(t, 1.0, b.Metric(t, `aks_audit_log_dead_letters_total{reason="unreadable"}`))
		assert.Equal(t, 1.0, b.Metric(t, `aks_audit_log_dead_letters_total{reason="bad_encoding"}`))
		assert.Zero(t, b.Metric(t, `aks_audit_log_missing_events_total{partition="0"}`))
	})
}

func TestAClusterThatSendsEachChangeTwiceIsWarnedOfOnceOverAllPartitions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewBench(2)
		for _, partition := range []string{"0", "1"} {
			for _, category := range []string{"kube-audit", "kube-audit-admin", "kube-audit"} {
				b.Hub.Append(partition, eventhubtest.OfCluster(eventhubtest.HubBody(eventhubtest.AuditRecord(category, eventhubtest.Audit("a")))))
			}
		}
		stop := startPartitions(t, b)
		b.Sink.Await(6)
		stop()
		warned := 0
		for _, entry := range b.Logged.AllEntries() {
			if entry.Message == audit.BothCategoriesAdvice {
				warned++
				assert.Equal(t, "my-cluster_1", entry.Data["cluster"])
			}
		}
		assert.Equal(t, 1, warned)
	})
}

// ofCluster gives each record of a body the resourceId of a cluster.
func ofCluster(name string, body []byte) []byte {
	return bytes.ReplaceAll(eventhubtest.OfCluster(body), []byte("MY-Cluster_1"), []byte(name))
}

func TestTheRecordsOfEachClusterAreCountedOverAllPartitions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewBench(2)
		b.Hub.Append("0", ofCluster("EU", eventhubtest.Together("a", "b")), ofCluster("US", eventhubtest.Together("c")))
		b.Hub.Append("1", ofCluster("EU", eventhubtest.Together("d")), ofCluster("EU", otherCategory), eventhubtest.Together("e"))
		stop := startPartitions(t, b)
		b.Sink.Await(5)
		stop()
		assert.Equal(t, 3.0, b.Metric(t, `aks_audit_log_cluster_records_total{cluster="eu"}`), "none that is no audit record")
		assert.Equal(t, 1.0, b.Metric(t, `aks_audit_log_cluster_records_total{cluster="us"}`))
		noon := float64(eventhubtest.Noon.Unix())
		assert.Equal(t, noon, b.Metric(t, `aks_audit_log_cluster_newest_timestamp_seconds{cluster="eu"}`), "the newest audit record")
		assert.Equal(t, noon+1, b.Metric(t, `aks_audit_log_cluster_newest_timestamp_seconds{cluster="us"}`))
		assert.Len(t, b.Stats.Clusters(), 2, "a record that names no cluster has none")
	})
}

func TestAHubEventThatIsReadAgainAfterALossCountsOnceForItsCluster(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewBench(1)
		b.Sink.ConfirmTime = time.Hour
		b.Hub.Append("0", ofCluster("EU", eventhubtest.Together("a", "b")))
		stop := startPartitions(t, b)
		b.Sink.Await(2)
		synctest.Wait()
		b.Sink.Lose()
		b.Sink.Await(4)
		stop()
		assert.Equal(t, 2.0, b.Metric(t, `aks_audit_log_cluster_records_total{cluster="eu"}`))
	})
}
