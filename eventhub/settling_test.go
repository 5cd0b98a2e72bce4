package eventhub

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/forwarder"
)

// settlingBench is a bench whose sink settles what it accepted after ten seconds.
func settlingBench() *bench {
	b := newBench(1)
	b.sink.settleTime = 10 * time.Second
	return b
}

// sequence is the checkpoint of partition 0, noSequence where there is none.
func (b *bench) sequence() int64 {
	checkpoint, known := b.store.checkpoint("0")
	if !known {
		return noSequence
	}
	return checkpoint.Sequence
}

func TestTheCheckpointWaitsForSettling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := settlingBench()
		b.hub.append("0", oneEach("a", "b")...)
		stop := b.start(t)
		b.sink.await(2)
		time.Sleep(5 * time.Second) // the bubble's clock
		b.hub.append("0", oneEach("c")...)
		time.Sleep(4 * time.Second)
		assert.Equal(t, noSequence, b.sequence())
		time.Sleep(2 * time.Second)
		assert.Equal(t, int64(1), b.sequence(), "what was settled, and nothing behind it")
		time.Sleep(5 * time.Second)
		assert.Equal(t, int64(2), b.sequence(), "also if nothing follows")
		stop()
	})
}

func TestAPartitionWhoseSinkLosesWhatItAcceptedReadsItAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := settlingBench()
		b.hub.append("0", oneEach("a", "b")...)
		stop := b.start(t)
		b.sink.await(2)
		time.Sleep(12 * time.Second) // the bubble's clock
		b.hub.append("0", oneEach("c", "d")...)
		b.sink.await(4)
		b.sink.lose()
		assert.Equal(t, []string{"a", "b", "c", "d", "c", "d"}, b.sink.await(6), "what was settled is not sent again")
		b.hub.append("0", oneEach("e")...)
		b.sink.await(7)
		stop()
		assert.Equal(t, []string{"a", "b", "c", "d", "c", "d", "e"}, b.sink.all())
		assert.Equal(t, int64(4), b.sequence())
	})
}

func TestALossIsCountedAndSaidOnceWithWhatIsReadAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := settlingBench()
		b.hub.append("0", oneEach("a", "b", "c")...)
		stop := b.start(t)
		b.sink.await(3)
		b.sink.lose()
		b.sink.await(6)
		stop()
		assert.Equal(t, 1.0, b.metric(t, "aks_audit_log_sink_losses_total", "0"))
		var said []logrus.Fields
		for _, entry := range b.logged.AllEntries() {
			if entry.Level == logrus.WarnLevel {
				said = append(said, logrus.Fields{"after": entry.Data["after"], "hub_events": entry.Data["hub_events"],
					"error": fmt.Sprint(entry.Data["error"]), "partition": entry.Data["partition"]})
			}
		}
		assert.Equal(t, []logrus.Fields{{"after": int64(-1), "hub_events": int64(3), "error": "connection refused", "partition": "0"}}, said)
	})
}

func TestWhatWasLostIsSentBeforeAnythingElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := settlingBench()
		b.sink.gate = make(chan struct{}, 10)
		b.hub.append("0", hubBody(auditRecord("kube-audit", audit("a")), auditRecord("kube-audit", audit("b")), auditRecord("kube-audit", audit("c"))))
		b.hub.append("0", oneEach("d")...)
		stop := b.start(t)
		b.sink.gate <- struct{}{}
		b.sink.gate <- struct{}{}
		b.sink.await(2)
		synctest.Wait() // c waits at the gate, and a new sink would take it
		b.sink.lose()
		synctest.Wait()
		close(b.sink.gate)
		assert.Equal(t, []string{"a", "b", "a", "b", "c", "d"}, b.sink.await(6))
		stop()
	})
}

func TestASinkThatIsLostAgainAndAgainGetsEverythingInTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := settlingBench()
		b.hub.append("0", oneEach("a", "b")...)
		stop := b.start(t)
		for n := range 5 {
			b.sink.await(2 * (n + 1))
			b.sink.lose()
		}
		b.sink.await(12)
		time.Sleep(12 * time.Second) // the bubble's clock
		assert.Equal(t, int64(1), b.sequence())
		stop()
		assert.Len(t, b.sink.all(), 12)
	})
}

func TestASinkThatAcceptsAndIsLostEachTimeIsLeftAloneForLongerAndLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := settlingBench()
		b.hub.append("0", oneEach("a")...)
		stop := b.start(t)
		var pauses []time.Duration
		lost := time.Now()
		loseNext := func() {
			b.sink.await(len(pauses) + 1)
			pauses = append(pauses, time.Since(lost)) // the bubble's clock
			synctest.Wait()
			b.sink.lose()
			lost = time.Now()
		}
		for range 8 {
			loseNext()
		}
		half := 500 * time.Millisecond
		assert.Equal(t, []time.Duration{0, 0, half, 2 * half, 4 * half, 8 * half, 16 * half, 30 * half}, pauses)

		b.sink.await(9)
		time.Sleep(12 * time.Second)
		require.Equal(t, int64(0), b.sequence(), "a is settled")
		b.hub.append("0", oneEach("b")...)
		b.sink.await(10)
		b.sink.lose()
		lost = time.Now()
		b.sink.await(11)
		assert.Zero(t, time.Since(lost), "what was settled meanwhile counts")
		stop()
		assert.Len(t, b.sink.all(), 11)
	})
}

func TestAStopDoesNotWaitForThePauseBehindALoss(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := settlingBench()
		b.hub.append("0", oneEach("a")...)
		stop := b.start(t)
		for n := range 8 {
			b.sink.await(n + 1)
			synctest.Wait()
			b.sink.lose()
		}
		synctest.Wait()
		began := time.Now()
		stop()
		assert.Zero(t, time.Since(began))
	})
}

func TestWhatIsReadAgainIsCountedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := settlingBench()
		b.sink.outcomes = func(event forwarder.AuditEvent) forwarder.Outcome {
			if event.AuditID == "refused" {
				return forwarder.Outcome{Verdict: forwarder.DeadLettered, Reason: "400 Bad Request"}
			}
			return forwarder.Outcome{Verdict: forwarder.Delivered}
		}
		bodies := [][]byte{
			oneEach("a")[0],
			hubBody(auditRecord("guard", "klog"), auditRecord("kube-audit", "klog"), auditRecord("kube-audit", audit("refused")), auditRecord("kube-audit", audit("b"))),
			[]byte("{oops"),
		}
		b.hub.append("0", bodies...)
		stop := b.start(t)
		b.sink.await(3)
		synctest.Wait()
		b.sink.lose()
		b.sink.await(6)
		b.hub.append("0", oneEach("c")...)
		b.sink.await(7)
		stop()

		assert.Equal(t, 3.0, b.metric(t, "aks_audit_log_records_total", "delivered"))
		assert.Equal(t, 3.0, b.metric(t, "aks_audit_log_records_total", "dead_lettered"))
		assert.Equal(t, 1.0, b.metric(t, "aks_audit_log_records_total", "skipped"))
		assert.Equal(t, 4.0, b.metric(t, "aks_audit_log_hub_events_total", "0"))
		assert.Equal(t, 0.0, b.metric(t, "aks_audit_log_missing_events_total", "0"))
		var again []string
		for _, event := range b.sink.got {
			if event.Again {
				again = append(again, event.AuditID)
			}
		}
		assert.Equal(t, []string{"a", "refused", "b"}, again)
		letters := map[string]bool{}
		for _, letter := range b.store.letters {
			letters[letter.name()] = true
		}
		assert.Len(t, letters, 3, "each replaces itself")
	})
}

func TestTheLagDoesNotGrowWithALoss(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := settlingBench()
		b.sink.gate = make(chan struct{}, 10)
		b.hub.append("0", oneEach("a", "b", "c")...)
		stop := b.start(t)
		for range 3 {
			b.sink.gate <- struct{}{}
		}
		b.sink.await(3)
		b.sink.lose()
		synctest.Wait()
		assert.Equal(t, 0.0, b.metric(t, "aks_audit_log_partition_lag_events", "0"))
		close(b.sink.gate)
		b.sink.await(6)
		stop()
	})
}

func TestAStopWaitsForSettling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := settlingBench()
		b.hub.append("0", oneEach("a", "b")...)
		stop := b.start(t)
		b.sink.await(2)
		began := time.Now()
		stop()
		assert.Equal(t, 10*time.Second, time.Since(began))
		assert.Equal(t, int64(1), b.sequence())
		assert.Empty(t, b.store.owner("0"))
		stop = b.start(t)
		time.Sleep(time.Minute) // the bubble's clock
		stop()
		assert.Equal(t, []string{"a", "b"}, b.sink.all(), "nothing comes twice")
	})
}

func TestAStopWaitsForSettlingOnlyAsLongAsItMay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := settlingBench()
		b.sink.settleTime = time.Hour
		b.hub.append("0", oneEach("a")...)
		stop := b.start(t)
		b.sink.await(1)
		began := time.Now()
		stop()
		assert.Equal(t, workTimeout(b.cfg.ShutdownTimeout), time.Since(began))
		assert.Equal(t, noSequence, b.sequence())
		assert.Empty(t, b.store.owner("0"))
		b.sink.settleTime = 0
		stop = b.start(t)
		assert.Equal(t, []string{"a", "a"}, b.sink.await(2))
		stop()
	})
}

func TestALossDuringAStopIsLeftToTheNextOwner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := settlingBench()
		b.hub.append("0", oneEach("a")...)
		stop := b.start(t)
		b.sink.await(1)
		go func() {
			time.Sleep(time.Second) // the bubble's clock
			b.sink.lose()
		}()
		began := time.Now()
		stop()
		assert.Equal(t, time.Second, time.Since(began))
		assert.Equal(t, []string{"a"}, b.sink.all())
		assert.Equal(t, noSequence, b.sequence())
		stop = b.start(t)
		assert.Equal(t, []string{"a", "a"}, b.sink.await(2))
		stop()
	})
}

func TestADisplacedReaderWaitsForNoSettlingAndWritesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := settlingBench()
		b.hub.append("0", oneEach("a")...)
		stop := b.start(t)
		b.sink.await(1)
		b.store.move("0", 17)
		b.hub.displace()
		synctest.Wait()
		assert.Equal(t, 0.0, b.metric(t, "aks_audit_log_partitions_owned"))
		time.Sleep(5 * time.Second) // the bubble's clock
		assert.Equal(t, int64(17), b.sequence())
		stop()
	})
}

func TestEventsWithNothingToDeliverWaitForWhatStandsBeforeThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := settlingBench()
		klog := hubBody(auditRecord("guard", "klog"))
		b.hub.append("0", klog, klog)
		stop := b.start(t)
		time.Sleep(2 * time.Second) // the bubble's clock
		assert.Equal(t, int64(1), b.sequence(), "nothing stands before these")
		b.hub.append("0", oneEach("a")[0], klog, klog)
		time.Sleep(9 * time.Second)
		assert.Equal(t, int64(1), b.sequence())
		time.Sleep(2 * time.Second)
		assert.Equal(t, int64(4), b.sequence())
		stop()
	})
}

func TestPositionsThatWaitForSettlingAreHandedOnInOrder(t *testing.T) {
	lane := &memoryLane{memorySink: &memorySink{}, lost: make(chan struct{})}
	var s settling
	s.begin(lane)
	var got []int64
	settle := func() { s.settle(func(c Checkpoint) { got = append(got, c.Sequence) }) }
	settle()
	s.reach(Event{Sequence: 0})
	lane.settleTime = time.Hour
	lane.accept()
	s.reach(Event{Sequence: 1})
	s.reach(Event{Sequence: 2})
	require.Len(t, s.waiting, 2, "two behind the same ticket are one")
	settle()
	assert.Equal(t, []int64{0}, got)
	lane.settled = 1
	settle()
	settle()
	assert.Equal(t, []int64{0, 2}, got)
}
