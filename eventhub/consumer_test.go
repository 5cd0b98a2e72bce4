package eventhub

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/forwarder"
)

// oneEach returns hub events with one audit event each.
func oneEach(ids ...string) [][]byte {
	var bodies [][]byte
	for _, id := range ids {
		bodies = append(bodies, hubBody(auditRecord("kube-audit", audit(id))))
	}
	return bodies
}

func TestAuditEventsArriveInOrderAndTheCheckpointFollows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(1)
		b.hub.append("0", oneEach("a", "b", "c")...)
		stop := b.start(t)
		assert.Equal(t, []string{"a", "b", "c"}, b.sink.await(3))
		time.Sleep(b.cfg.CheckpointInterval + time.Second) // the bubble's clock
		checkpoint, _ := b.store.checkpoint("0")
		assert.Equal(t, int64(2), checkpoint.Sequence)
		assert.Equal(t, "200", checkpoint.Offset)
		ready, why := b.health.Ready()
		assert.True(t, ready, why)
		assert.Equal(t, 3.0, b.metric(t, "aks_audit_log_records_total", "delivered"))
		assert.Equal(t, 0.0, b.metric(t, "aks_audit_log_partition_lag_events", "0"))
		stop()
	})
}

func TestARestartGoesOnBehindTheCheckpoint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(2)
		b.hub.append("0", oneEach("a", "b")...)
		stop := b.start(t)
		b.sink.await(2)
		stop()
		assert.Empty(t, b.store.owner("0"), "a stopped reader gives its partitions up")

		b.hub.append("0", oneEach("c")...)
		stop = b.start(t)
		assert.Equal(t, []string{"a", "b", "c"}, b.sink.await(3))
		stop()
		assert.Equal(t, []string{"a", "b", "c"}, b.sink.all())
	})
}

func TestThePositionIsWrittenOnceAnIntervalAndNotWhileNothingHappens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(1)
		for i := range 500 {
			b.hub.append("0", oneEach(fmt.Sprint(i))...)
		}
		stop := b.start(t)
		b.sink.await(500)
		time.Sleep(time.Minute)
		assert.Equal(t, 1, b.store.written())
		stop()
		assert.Equal(t, 1, b.store.written())
	})
}

func TestAPartitionWhoseSinkIsDownKeepsItsEventAndTheOthersGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(2)
		b.sink.gate = make(chan struct{})
		b.hub.append("0", oneEach("a")...)
		b.hub.append("1", oneEach("b")...)
		stop := b.start(t)
		<-b.sink.entered
		<-b.sink.entered
		b.sink.gate <- struct{}{}
		passed := b.sink.await(1)
		time.Sleep(time.Minute)
		checkpoints, err := b.store.ListCheckpoints(t.Context())
		require.NoError(t, err)
		assert.Len(t, checkpoints, 1, "only the delivered event's partition may move, got %v", passed)
		b.sink.gate <- struct{}{}
		assert.ElementsMatch(t, []string{"a", "b"}, b.sink.await(2))
		stop()
	})
}

func TestAStopFinishesTheHubEventInHand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(1)
		b.sink.gate = make(chan struct{})
		b.hub.append("0", hubBody(auditRecord("kube-audit", audit("a")), auditRecord("kube-audit", audit("b"))))
		stop := b.start(t)
		<-b.sink.entered
		go func() {
			time.Sleep(time.Second) // the stop comes first
			close(b.sink.gate)
		}()
		stop()
		assert.Equal(t, []string{"a", "b"}, b.sink.all())
		checkpoint, _ := b.store.checkpoint("0")
		assert.Equal(t, int64(0), checkpoint.Sequence)
	})
}

func TestAStopDoesNotWaitForASinkThatIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(1)
		b.sink.gate = make(chan struct{}, 1)
		b.sink.gate <- struct{}{}
		b.hub.append("0", oneEach("a", "b")...)
		stop := b.start(t)
		<-b.sink.entered
		<-b.sink.entered
		close(b.sink.stop)
		began := time.Now()
		stop()
		assert.Zero(t, time.Since(began))
		checkpoint, _ := b.store.checkpoint("0")
		assert.Equal(t, int64(0), checkpoint.Sequence, "what was delivered before is recorded")
		assert.Empty(t, b.store.owner("0"))
	})
}

func TestAStopEndsWithinItsTimeThoughTheSinkHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(3)
		b.sink.gate = make(chan struct{})
		for _, partition := range ids(3) {
			b.hub.append(partition, oneEach("a"+partition)...)
		}
		stop := b.start(t)
		for range 3 {
			<-b.sink.entered
		}
		began := time.Now()
		stop()
		assert.LessOrEqual(t, time.Since(began), b.cfg.ShutdownTimeout)
		_, known := b.store.checkpoint("0")
		assert.False(t, known, "an event without a verdict is not passed")
	})
}

func TestADisplacedReaderPostsNothingMoreAndWritesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(1)
		b.sink.gate = make(chan struct{}, 1)
		b.sink.gate <- struct{}{}
		b.hub.append("0", oneEach("a", "b", "c")...)
		stop := b.start(t)
		<-b.sink.entered
		<-b.sink.entered // a is through, b is in hand
		b.store.move("0", 17)
		b.hub.displace()
		synctest.Wait()
		close(b.sink.gate)
		synctest.Wait()
		assert.Equal(t, []string{"a"}, b.sink.all())
		checkpoint, _ := b.store.checkpoint("0")
		assert.Equal(t, int64(17), checkpoint.Sequence)
		stop()
	})
}

func TestALostCheckpointRaceStopsThePartitionUntilItIsClaimedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(1)
		b.hub.append("0", oneEach("a", "b", "c", "d")...)
		b.sink.gate = make(chan struct{}, 10)
		b.sink.gate <- struct{}{}
		stop := b.start(t)
		b.sink.await(1)
		b.store.move("0", 2)
		time.Sleep(b.cfg.CheckpointInterval + time.Millisecond)
		checkpoint, _ := b.store.checkpoint("0")
		assert.Equal(t, int64(2), checkpoint.Sequence, "a displaced reader must not move it back")
		close(b.sink.gate)
		time.Sleep(2 * balanceInterval)
		assert.Equal(t, []string{"a", "d"}, b.sink.all(), "it goes on where the other one got to")
		stop()
	})
}

func TestAReaderStopsWhatAnotherHasClaimed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(1)
		stop := b.start(t)
		synctest.Wait()
		stolen := b.store.ownerships["0"]
		stolen.Owner = "another"
		_, err := b.store.Claim(t.Context(), stolen)
		require.NoError(t, err)
		time.Sleep(2 * balanceInterval)
		b.hub.append("0", oneEach("a")...)
		synctest.Wait()
		assert.Empty(t, b.sink.all())
		assert.Equal(t, 0.0, b.metric(t, "aks_audit_log_partitions_owned"))
		stop()
		assert.Equal(t, "another", b.store.owner("0"))
	})
}

func TestTwoReadersShareThePartitionsAndOneTakesOverFromTheOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(4)
		stopFirst := b.start(t)
		synctest.Wait()
		stopSecond := b.start(t)
		time.Sleep(5 * balanceInterval)
		owners := map[string]int{}
		for _, partition := range ids(4) {
			owners[b.store.owner(partition)]++
		}
		assert.Len(t, owners, 2)
		for owner, count := range owners {
			assert.Equal(t, 2, count, owner)
		}
		for i := range 40 {
			b.hub.append(ids(4)[i%4], oneEach(fmt.Sprint(i))...)
		}
		b.sink.await(40)
		stopFirst()
		time.Sleep(2 * balanceInterval)
		for i := range 4 {
			b.hub.append(ids(4)[i], oneEach(fmt.Sprint("later ", i))...)
		}
		got := b.sink.await(44)
		assert.Len(t, got, 44, "each once")
		stopSecond()
	})
}

func TestEventsGoOnBeingDeliveredWhileTheStoreIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(1)
		stop := b.start(t)
		synctest.Wait()
		b.store.fail(errors.New("503"))
		b.hub.append("0", oneEach("a")...)
		time.Sleep(10 * time.Minute)
		assert.Equal(t, []string{"a"}, b.sink.all())
		assert.Positive(t, b.metric(t, "aks_audit_log_checkpoint_failures_total", "0"))
		b.store.fail(nil)
		time.Sleep(time.Minute)
		checkpoint, _ := b.store.checkpoint("0")
		assert.Equal(t, int64(0), checkpoint.Sequence)
		assert.NotEmpty(t, b.store.owner("0"))
		stop()
		assert.Equal(t, []string{"a"}, b.sink.all())
	})
}

func TestAHubOrAStoreThatIsAwayAtTheStartIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(1)
		b.hub.append("0", oneEach("a")...)
		b.hub.setUnreachable(errors.New("no such host"))
		b.store.fail(errors.New("403"))
		stop := b.start(t)
		time.Sleep(time.Hour)
		ready, why := b.health.Ready()
		assert.False(t, ready)
		assert.Contains(t, why, "no such host")
		b.hub.setUnreachable(nil)
		time.Sleep(time.Minute)
		_, why = b.health.Ready()
		assert.Contains(t, why, "403")
		b.store.fail(nil)
		b.sink.await(1)
		stop()
	})
}

func TestAReceiveThatFailsIsOpenedAgainBehindTheLastEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(1)
		b.hub.failures = []error{errors.New("link detached"), errors.New("connection refused")}
		b.hub.append("0", oneEach("a", "b")...)
		stop := b.start(t)
		assert.Equal(t, []string{"a", "b"}, b.sink.await(2))
		assert.Equal(t, 2.0, b.metric(t, "aks_audit_log_receive_failures_total", "0"))
		stop()
	})
}

func TestBadRecordsGetTheirVerdictAndThePartitionGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(1)
		b.sink.outcomes = func(event forwarder.AuditEvent) forwarder.Outcome {
			if event.AuditID == "refused" {
				return forwarder.Outcome{Verdict: forwarder.DeadLettered, Reason: "400 Bad Request"}
			}
			return forwarder.Outcome{Verdict: forwarder.Delivered}
		}
		b.hub.append("0", []byte("{oops"), nil,
			hubBody(auditRecord("guard", "klog"), auditRecord("kube-audit", "klog"), auditRecord("kube-audit", audit("refused"))),
			oneEach("good")[0])
		stop := b.start(t)
		assert.Equal(t, []string{"refused", "good"}, b.sink.await(2))
		stop()
		var letters []string
		for _, letter := range b.store.letters {
			letters = append(letters, fmt.Sprint(letter.name(), " ", letter.Reason, " ", letter.Detail))
		}
		assert.Equal(t, []string{"0/0-0.json not_json ", "0/2-1.json not_json ", "0/2-2.json refused 400 Bad Request"}, letters)
		assert.Equal(t, audit("refused"), string(b.store.letters[2].Content))
		assert.Equal(t, 1.0, b.metric(t, "aks_audit_log_records_total", "delivered"))
		assert.Equal(t, 3.0, b.metric(t, "aks_audit_log_records_total", "dead_lettered"))
		assert.Equal(t, 2.0, b.metric(t, "aks_audit_log_records_total", "skipped"))
		checkpoint, _ := b.store.checkpoint("0")
		assert.Equal(t, int64(3), checkpoint.Sequence)
	})
}

func TestADeadLetterIsStoredBeforeTheCheckpointPasses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(1)
		stop := b.start(t)
		synctest.Wait()
		b.store.fail(errors.New("503"))
		b.hub.append("0", []byte("{oops"), oneEach("good")[0])
		time.Sleep(time.Hour)
		assert.Empty(t, b.sink.all(), "the partition waits")
		b.store.fail(nil)
		b.sink.await(1)
		stop()
		require.Len(t, b.store.letters, 1)
	})
}

func TestAStopWhileADeadLetterCannotBeStoredLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(1)
		stop := b.start(t)
		synctest.Wait()
		b.store.fail(errors.New("503"))
		b.hub.append("0", []byte("{oops"))
		time.Sleep(time.Minute)
		stop()
		_, known := b.store.checkpoint("0")
		assert.False(t, known)
	})
}

func TestTheLagIsWhatTheHubHoldsBeyondTheLastVerdict(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(1)
		b.sink.gate = make(chan struct{}, 10)
		b.hub.append("0", oneEach("a", "b", "c", "d", "e")...)
		stop := b.start(t)
		b.sink.gate <- struct{}{}
		b.sink.gate <- struct{}{}
		b.sink.await(2)
		time.Sleep(lagInterval + time.Second)
		assert.Equal(t, 3.0, b.metric(t, "aks_audit_log_partition_lag_events", "0"))
		b.hub.append("0", oneEach("f")...)
		time.Sleep(lagInterval + time.Second)
		assert.Equal(t, 4.0, b.metric(t, "aks_audit_log_partition_lag_events", "0"))
		close(b.sink.gate)
		b.sink.await(6)
		stop()
	})
}

func TestTheTimeForWorkLeavesRoomForTheFarewells(t *testing.T) {
	for shutdown, want := range map[time.Duration]time.Duration{
		25 * time.Second: 13 * time.Second, 10 * time.Second: 5 * time.Second, time.Second: 500 * time.Millisecond,
	} {
		assert.Equal(t, want, workTimeout(shutdown))
	}
}

func TestRetryWaitsLongerEachTimeAndEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(1)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var at []time.Duration
		began := time.Now()
		err := retry(ctx, b.log, "try", func() error {
			at = append(at, time.Since(began))
			return errors.New("no")
		})
		require.NoError(t, err)
		assert.Equal(t, []time.Duration{0, 500 * time.Millisecond, 1500 * time.Millisecond, 3500 * time.Millisecond,
			7500 * time.Millisecond, 15500 * time.Millisecond, 30500 * time.Millisecond, 45500 * time.Millisecond}, at)
	})
}
