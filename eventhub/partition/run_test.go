package partition

import (
	"fmt"
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

func TestTheCheckpointWaitsForConfirmation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewConfirmingBench()
		b.Hub.Append("0", eventhubtest.OneEach("a", "b")...)
		stop := startPartitions(t, b)
		b.Sink.Await(2)
		time.Sleep(5 * time.Second) // the bubble's clock
		b.Hub.Append("0", eventhubtest.OneEach("c")...)
		time.Sleep(4 * time.Second) // the bubble's clock
		assert.Equal(t, eventhub.NoSequence, b.Sequence())
		time.Sleep(2 * time.Second) // the bubble's clock
		assert.Equal(t, int64(1), b.Sequence(), "what is confirmed, and nothing after it")
		time.Sleep(5 * time.Second) // the bubble's clock
		assert.Equal(t, int64(2), b.Sequence(), "even if nothing follows")
		stop()
	})
}

func TestAPartitionWhoseSinkLosesWhatItAcceptedReadsItAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewConfirmingBench()
		b.Hub.Append("0", eventhubtest.OneEach("a", "b")...)
		stop := startPartitions(t, b)
		b.Sink.Await(2)
		time.Sleep(12 * time.Second) // the bubble's clock
		b.Hub.Append("0", eventhubtest.OneEach("c", "d")...)
		b.Sink.Await(4)
		b.Sink.Lose()
		assert.Equal(t, []string{"a", "b", "c", "d", "c", "d"}, b.Sink.Await(6), "what was confirmed is not sent again")
		b.Hub.Append("0", eventhubtest.OneEach("e")...)
		b.Sink.Await(7)
		stop()
		assert.Equal(t, []string{"a", "b", "c", "d", "c", "d", "e"}, b.Sink.AuditIDs())
		assert.Equal(t, int64(4), b.Sequence())
	})
}

func TestALossIsCountedAndSaidOnceWithWhatIsReadAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewConfirmingBench()
		b.Hub.Append("0", eventhubtest.OneEach("a", "b", "c")...)
		stop := startPartitions(t, b)
		b.Sink.Await(3)
		b.Sink.Lose()
		b.Sink.Await(6)
		stop()
		assert.Equal(t, 1.0, b.Metric(t, `aks_audit_log_sink_losses_total{partition="0"}`))
		var warnings []logrus.Fields
		for _, entry := range b.Logged.AllEntries() {
			if entry.Level == logrus.WarnLevel {
				warnings = append(warnings, logrus.Fields{"after": entry.Data["after"], "hub_events": entry.Data["hub_events"],
					"error": fmt.Sprint(entry.Data["error"]), "partition": entry.Data["partition"]})
			}
		}
		assert.Equal(t, []logrus.Fields{
			{"after": int64(-1), "hub_events": int64(3), "error": "connection refused", "partition": "0"},
		}, warnings)
	})
}

func TestWhatWasLostIsSentBeforeAnythingElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewConfirmingBench()
		b.Sink.Gate = make(chan struct{}, 10)
		b.Hub.Append("0", eventhubtest.Together("a", "b", "c"), eventhubtest.Together("d"))
		stop := startPartitions(t, b)
		b.Sink.Gate <- struct{}{}
		b.Sink.Gate <- struct{}{}
		b.Sink.Await(2)
		synctest.Wait() // c waits at the gate, and a new session would deliver it
		b.Sink.Lose()
		synctest.Wait()
		close(b.Sink.Gate)
		assert.Equal(t, []string{"a", "b", "a", "b", "c", "d"}, b.Sink.Await(6))
		stop()
	})
}

func TestASinkThatIsLostAgainAndAgainGetsEverythingInTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewConfirmingBench()
		b.Hub.Append("0", eventhubtest.OneEach("a", "b")...)
		stop := startPartitions(t, b)
		for n := range 5 {
			b.Sink.Await(2 * (n + 1))
			b.Sink.Lose()
		}
		b.Sink.Await(12)
		time.Sleep(12 * time.Second) // the bubble's clock
		assert.Equal(t, int64(1), b.Sequence())
		stop()
		assert.Len(t, b.Sink.AuditIDs(), 12)
	})
}

func TestASinkThatAcceptsAndIsLostEachTimeIsLeftAloneForLongerAndLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewConfirmingBench()
		b.Hub.Append("0", eventhubtest.OneEach("a")...)
		stop := startPartitions(t, b)
		var pauses []time.Duration
		lost := time.Now()
		loseNext := func() {
			b.Sink.Await(len(pauses) + 1)
			pauses = append(pauses, time.Since(lost)) // the bubble's clock
			synctest.Wait()
			b.Sink.Lose()
			lost = time.Now()
		}
		for range 8 {
			loseNext()
		}
		half := 500 * time.Millisecond
		assert.Equal(t, []time.Duration{0, 0, half, 2 * half, 4 * half, 8 * half, 16 * half, 30 * half}, pauses)

		b.Sink.Await(9)
		time.Sleep(12 * time.Second) // the bubble's clock
		require.Equal(t, int64(0), b.Sequence(), "a is confirmed")
		b.Hub.Append("0", eventhubtest.OneEach("b")...)
		b.Sink.Await(10)
		b.Sink.Lose()
		lost = time.Now()
		b.Sink.Await(11)
		assert.Zero(t, time.Since(lost), "there is no pause after a confirmation")
		stop()
		assert.Len(t, b.Sink.AuditIDs(), 11)
	})
}

func TestAStopDoesNotWaitForThePauseAfterALoss(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewConfirmingBench()
		b.Hub.Append("0", eventhubtest.OneEach("a")...)
		stop := startPartitions(t, b)
		for n := range 8 {
			b.Sink.Await(n + 1)
			synctest.Wait()
			b.Sink.Lose()
		}
		synctest.Wait()
		began := time.Now()
		stop()
		assert.Zero(t, time.Since(began))
	})
}

func TestHubEventsThatAreReadAgainAreReceivedOnceAndDeliveredTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewConfirmingBench()
		b.Sink.Outcomes = func(event audit.Event) audit.Outcome {
			if event.AuditID == "refused" {
				return audit.Outcome{Verdict: audit.DeadLettered, Reason: "400 Bad Request"}
			}
			return audit.Outcome{Verdict: audit.Delivered}
		}
		bodies := [][]byte{
			eventhubtest.Together("a"),
			eventhubtest.HubBody(
				eventhubtest.AuditRecord("guard", "klog"),
				eventhubtest.AuditRecord("kube-audit", "klog"),
				eventhubtest.AuditRecord("kube-audit", eventhubtest.Audit("refused")),
				eventhubtest.AuditRecord("kube-audit", eventhubtest.Audit("b")),
			),
			[]byte(`{"category":"kube-audit" oops`),
		}
		b.Hub.Append("0", bodies...)
		stop := startPartitions(t, b)
		b.Sink.Await(3)
		synctest.Wait()
		b.Sink.Lose()
		b.Sink.Await(6)
		b.Hub.Append("0", eventhubtest.OneEach("c")...)
		b.Sink.Await(7)
		stop()

		assert.Equal(t, 2+2+1.0, b.Metric(t, `aks_audit_log_records_total{verdict="delivered"}`))
		assert.Equal(t, 2*3.0, b.Metric(t, `aks_audit_log_records_total{verdict="dead_lettered"}`))
		assert.Equal(t, 2*1.0, b.Metric(t, `aks_audit_log_records_total{verdict="skipped"}`))
		assert.Equal(t, 2.0, b.Metric(t, "aks_audit_log_replayed_events_total"))
		assert.Equal(t, 4.0, b.Metric(t, `aks_audit_log_hub_events_total{partition="0"}`))
		assert.Equal(t, 0.0, b.Metric(t, `aks_audit_log_missing_events_total{partition="0"}`))
		letters := map[string]bool{}
		for _, letter := range b.Store.DeadLetters() {
			letters[letter.Name()] = true
		}
		assert.Len(t, letters, 3, "each replaces the one of the same name")
	})
}

func TestTheLagDoesNotGrowWithALoss(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewConfirmingBench()
		b.Sink.Gate = make(chan struct{}, 10)
		b.Hub.Append("0", eventhubtest.OneEach("a", "b", "c")...)
		stop := startPartitions(t, b)
		for range 3 {
			b.Sink.Gate <- struct{}{}
		}
		b.Sink.Await(3)
		b.Sink.Lose()
		synctest.Wait()
		assert.Equal(t, 0.0, b.Metric(t, `aks_audit_log_partition_lag_events{partition="0"}`))
		close(b.Sink.Gate)
		b.Sink.Await(6)
		stop()
	})
}

func TestAStopWaitsForConfirmation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewConfirmingBench()
		b.Hub.Append("0", eventhubtest.OneEach("a", "b")...)
		stop := startPartitions(t, b)
		b.Sink.Await(2)
		began := time.Now()
		stop()
		assert.Equal(t, 10*time.Second, time.Since(began))
		assert.Equal(t, int64(1), b.Sequence())
		assert.Empty(t, b.Store.Owner("0"))
		stop = startPartitions(t, b)
		time.Sleep(time.Minute) // the bubble's clock
		stop()
		assert.Equal(t, []string{"a", "b"}, b.Sink.AuditIDs(), "nothing comes twice")
	})
}

func TestALossDuringAStopIsLeftToTheNextOwner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewConfirmingBench()
		b.Hub.Append("0", eventhubtest.OneEach("a")...)
		stop := startPartitions(t, b)
		b.Sink.Await(1)
		go func() {
			time.Sleep(time.Second) // the bubble's clock
			b.Sink.Lose()
		}()
		began := time.Now()
		stop()
		assert.Equal(t, time.Second, time.Since(began))
		assert.Equal(t, []string{"a"}, b.Sink.AuditIDs())
		assert.Equal(t, eventhub.NoSequence, b.Sequence())
		stop = startPartitions(t, b)
		assert.Equal(t, []string{"a", "a"}, b.Sink.Await(2))
		stop()
	})
}

func TestEventsWithNothingToDeliverWaitForWhatStandsBeforeThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewConfirmingBench()
		b.Hub.Append("0", otherCategory, otherCategory)
		stop := startPartitions(t, b)
		time.Sleep(2 * time.Second) // the bubble's clock
		assert.Equal(t, int64(1), b.Sequence(), "no audit event is before these")
		b.Hub.Append("0", eventhubtest.Together("a"), otherCategory, otherCategory)
		time.Sleep(9 * time.Second) // the bubble's clock
		assert.Equal(t, int64(1), b.Sequence())
		time.Sleep(2 * time.Second) // the bubble's clock
		assert.Equal(t, int64(4), b.Sequence())
		stop()
	})
}
