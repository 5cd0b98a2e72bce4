package consumer

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/forwarder/audit"
	"aks-audit-log-go/internal/eventhubtest"
)

func TestAuditEventsArriveInOrderAndTheCheckpointFollows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewBench(1)
		b.Hub.Append("0", eventhubtest.OneEach("a", "b", "c")...)
		stop := startConsumer(t, b)
		assert.Equal(t, []string{"a", "b", "c"}, b.Sink.Await(3))
		time.Sleep(b.Cfg.CheckpointInterval + time.Second) // the bubble's clock
		checkpoint, _ := b.Store.Checkpoint("0")
		assert.Equal(t, int64(2), checkpoint.Sequence)
		assert.Equal(t, "200", checkpoint.Offset)
		ready, reason := b.Health.Ready()
		assert.True(t, ready, reason)
		assert.Equal(t, 3.0, b.Metric(t, `aks_audit_log_records_total{verdict="delivered"}`))
		assert.Equal(t, 0.0, b.Metric(t, `aks_audit_log_partition_lag_events{partition="0"}`))
		stop()
	})
}

func TestARestartContinuesAfterTheCheckpoint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewBench(2)
		b.Hub.Append("0", eventhubtest.OneEach("a", "b")...)
		stop := startConsumer(t, b)
		b.Sink.Await(2)
		stop()
		assert.Empty(t, b.Store.Owner("0"), "a stopped reader relinquishes its partitions")

		b.Hub.Append("0", eventhubtest.OneEach("c")...)
		stop = startConsumer(t, b)
		assert.Equal(t, []string{"a", "b", "c"}, b.Sink.Await(3))
		stop()
		assert.Equal(t, []string{"a", "b", "c"}, b.Sink.AuditIDs())
	})
}

func TestThePositionIsWrittenOnceAnIntervalAndNotWhileNothingHappens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewBench(1)
		for i := range 150 {
			b.Hub.Append("0", eventhubtest.OneEach(fmt.Sprint(i))...)
		}
		stop := startConsumer(t, b)
		b.Sink.Await(150)
		time.Sleep(time.Minute) // the bubble's clock
		assert.Equal(t, 1, b.Store.CheckpointWrites())
		stop()
		assert.Equal(t, 2, b.Store.CheckpointWrites(), "a stop writes it once more, in case it was deleted")
	})
}

func TestAPartitionWhoseSinkIsDownKeepsItsEventAndTheOthersGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewBench(2)
		b.Sink.Gate = make(chan struct{})
		b.Hub.Append("0", eventhubtest.OneEach("a")...)
		b.Hub.Append("1", eventhubtest.OneEach("b")...)
		stop := startConsumer(t, b)
		<-b.Sink.Entered
		<-b.Sink.Entered
		b.Sink.Gate <- struct{}{}
		passed := b.Sink.Await(1)
		time.Sleep(time.Minute) // the bubble's clock
		checkpoints, err := b.Store.ListCheckpoints(t.Context())
		require.NoError(t, err)
		assert.Len(t, checkpoints, 1, "only the delivered event's partition may move, got %v", passed)
		b.Sink.Gate <- struct{}{}
		assert.ElementsMatch(t, []string{"a", "b"}, b.Sink.Await(2))
		stop()
	})
}

func TestADisplacedReaderPostsNothingMoreAndWritesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewBench(1)
		b.Sink.Gate = make(chan struct{}, 1)
		b.Sink.Gate <- struct{}{}
		b.Hub.Append("0", eventhubtest.OneEach("a", "b", "c")...)
		stop := startConsumer(t, b)
		<-b.Sink.Entered
		<-b.Sink.Entered // a is delivered, b waits at the gate
		b.Store.MoveCheckpoint("0", 17)
		b.Hub.Displace()
		synctest.Wait()
		close(b.Sink.Gate)
		synctest.Wait()
		assert.Equal(t, []string{"a"}, b.Sink.AuditIDs())
		checkpoint, _ := b.Store.Checkpoint("0")
		assert.Equal(t, int64(17), checkpoint.Sequence)
		stop()
	})
}

func TestACheckpointConflictStopsThePartitionUntilItIsClaimedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewBench(1)
		b.Hub.Append("0", eventhubtest.OneEach("a", "b", "c", "d")...)
		b.Sink.Gate = make(chan struct{}, 10)
		b.Sink.Gate <- struct{}{}
		stop := startConsumer(t, b)
		b.Sink.Await(1)
		b.Store.MoveCheckpoint("0", 2)
		time.Sleep(b.Cfg.CheckpointInterval + time.Millisecond) // the bubble's clock
		checkpoint, _ := b.Store.Checkpoint("0")
		assert.Equal(t, int64(2), checkpoint.Sequence, "a displaced reader must not move it back")
		close(b.Sink.Gate)
		time.Sleep(2 * balanceInterval) // the bubble's clock
		assert.Equal(t, []string{"a", "d"}, b.Sink.AuditIDs(), "it continues after the checkpoint of the other reader")
		stop()
	})
}

func TestAReaderStopsWhatAnotherHasClaimed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewBench(1)
		stop := startConsumer(t, b)
		synctest.Wait()
		b.Store.GiveTo("another", "0", time.Now())
		time.Sleep(2 * balanceInterval) // the bubble's clock
		b.Hub.Append("0", eventhubtest.OneEach("a")...)
		synctest.Wait()
		assert.Empty(t, b.Sink.AuditIDs())
		assert.Equal(t, 0.0, b.Metric(t, "aks_audit_log_partitions_owned"))
		stop()
		assert.Equal(t, "another", b.Store.Owner("0"))
	})
}

func TestTwoReadersShareThePartitionsAndOneTakesOverFromTheOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewBench(4)
		stopFirst := startConsumer(t, b)
		synctest.Wait()
		stopSecond := startConsumer(t, b)
		time.Sleep(5 * balanceInterval) // the bubble's clock
		owners := map[string]int{}
		for _, partition := range eventhubtest.PartitionIDs(4) {
			owners[b.Store.Owner(partition)]++
		}
		assert.Len(t, owners, 2)
		for owner, count := range owners {
			assert.Equal(t, 2, count, owner)
		}
		for i := range 40 {
			b.Hub.Append(eventhubtest.PartitionIDs(4)[i%4], eventhubtest.OneEach(fmt.Sprint(i))...)
		}
		b.Sink.Await(40)
		stopFirst()
		time.Sleep(2 * balanceInterval) // the bubble's clock
		for i := range 4 {
			b.Hub.Append(eventhubtest.PartitionIDs(4)[i], eventhubtest.OneEach(fmt.Sprint("later ", i))...)
		}
		got := b.Sink.Await(44)
		assert.Len(t, got, 44, "each once")
		stopSecond()
	})
}

func TestEventsGoOnBeingDeliveredWhileTheStoreIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewBench(1)
		stop := startConsumer(t, b)
		synctest.Wait()
		b.Store.Fail(errors.New("503"))
		b.Hub.Append("0", eventhubtest.OneEach("a")...)
		time.Sleep(10 * time.Minute) // the bubble's clock
		assert.Equal(t, []string{"a"}, b.Sink.AuditIDs())
		assert.Positive(t, b.Metric(t, `aks_audit_log_checkpoint_failures_total{partition="0"}`))
		b.Store.Fail(nil)
		time.Sleep(time.Minute) // the bubble's clock
		checkpoint, _ := b.Store.Checkpoint("0")
		assert.Equal(t, int64(0), checkpoint.Sequence)
		assert.NotEmpty(t, b.Store.Owner("0"))
		stop()
		assert.Equal(t, []string{"a"}, b.Sink.AuditIDs())
	})
}

func TestAHubOrAStoreThatIsAwayAtTheStartIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewBench(1)
		b.Hub.Append("0", eventhubtest.OneEach("a")...)
		b.Hub.SetUnreachable(errors.New("no such host"))
		b.Store.Fail(errors.New("403"))
		stop := startConsumer(t, b)
		time.Sleep(time.Hour) // the bubble's clock
		ready, reason := b.Health.Ready()
		assert.False(t, ready)
		assert.Contains(t, reason, "no such host")
		b.Hub.SetUnreachable(nil)
		time.Sleep(time.Minute) // the bubble's clock
		_, reason = b.Health.Ready()
		assert.Contains(t, reason, "403")
		b.Store.Fail(nil)
		b.Sink.Await(1)
		stop()
	})
}

func TestAReceiveThatFailsIsOpenedAgainAfterTheLastEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewBench(1)
		b.Hub.FailReceives(errors.New("link detached"), errors.New("connection refused"))
		b.Hub.Append("0", eventhubtest.OneEach("a", "b")...)
		stop := startConsumer(t, b)
		assert.Equal(t, []string{"a", "b"}, b.Sink.Await(2))
		assert.Equal(t, 2.0, b.Metric(t, `aks_audit_log_receive_failures_total{partition="0"}`))
		stop()
	})
}

func TestBadRecordsGetTheirVerdictAndThePartitionGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewBench(1)
		b.Sink.Outcomes = func(event audit.Event) audit.Outcome {
			if event.AuditID == "refused" {
				return audit.Outcome{Verdict: audit.DeadLettered, Reason: "400 Bad Request"}
			}
			return audit.Outcome{Verdict: audit.Delivered}
		}
		b.Hub.Append("0", []byte(`{"category":"kube-audit" oops`), nil,
			eventhubtest.HubBody(
				eventhubtest.AuditRecord("guard", "klog"),
				eventhubtest.AuditRecord("kube-audit", "klog"),
				eventhubtest.AuditRecord("kube-audit", eventhubtest.Audit("refused")),
			),
			eventhubtest.Together("good"))
		stop := startConsumer(t, b)
		assert.Equal(t, []string{"refused", "good"}, b.Sink.Await(2))
		stop()
		letters := b.Store.DeadLetters()
		var stored []string
		for _, letter := range letters {
			stored = append(stored, fmt.Sprint(letter.Name(), " ", letter.Reason, " ", letter.Detail))
		}
		assert.Equal(t, []string{"0/0-0-1769860800000.json not_json ", "0/2-1-1769860802000.json not_json ", "0/2-2-1769860802000.json refused 400 Bad Request"}, stored)
		assert.Equal(t, eventhubtest.Audit("refused"), string(letters[2].Content))
		assert.Equal(t, 1.0, b.Metric(t, `aks_audit_log_records_total{verdict="delivered"}`))
		assert.Equal(t, 3.0, b.Metric(t, `aks_audit_log_records_total{verdict="dead_lettered"}`))
		assert.Equal(t, 2.0, b.Metric(t, `aks_audit_log_records_total{verdict="skipped"}`))
		checkpoint, _ := b.Store.Checkpoint("0")
		assert.Equal(t, int64(3), checkpoint.Sequence)
	})
}

func TestADeadLetterIsStoredBeforeTheCheckpointPasses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewBench(1)
		stop := startConsumer(t, b)
		synctest.Wait()
		b.Store.FailDeadLetters(errors.New("503"))
		b.Hub.Append("0", []byte(`{"category":"kube-audit" oops`), eventhubtest.Together("good"))
		b.Sink.Await(1)       // the partition goes on
		time.Sleep(time.Hour) // the bubble's clock
		_, known := b.Store.Checkpoint("0")
		assert.False(t, known, "the checkpoint waits")
		b.Store.FailDeadLetters(nil)
		time.Sleep(time.Minute) // the bubble's clock
		assert.Equal(t, int64(1), b.Sequence())
		stop()
		require.Len(t, b.Store.DeadLetters(), 1)
	})
}
