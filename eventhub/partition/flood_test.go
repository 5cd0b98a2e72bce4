package partition

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/stretchr/testify/assert"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/forwarder/audit"
	"aks-audit-log-go/internal/eventhubtest"
)

// cutBytes is where AKS cuts an audit event.
const cutBytes = 16_384

// cutBeforeTheUser returns an audit event that was cut within its URL after that many bytes. Only a dead letter can be
// made of it.
func cutBeforeTheUser(n, bytes int) string {
	event := fmt.Sprintf(`{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"cut-%d",`+
		`"stage":"ResponseComplete","requestURI":"/api/v1/pods?pad=`, n)
	return event + strings.Repeat("x", bytes-len(event))
}

// appendFlood appends hub events with 20 sound audit events, and as many that were cut after that many bytes.
func appendFlood(b *eventhubtest.Bench, sound, bytes int) {
	for n := 0; n < sound; n += 20 {
		var logs []string
		for i := n; i < n+20; i++ {
			logs = append(logs, cutBeforeTheUser(i, bytes), eventhubtest.Audit(fmt.Sprint(i)))
		}
		b.Hub.Append("0", eventhubtest.KubeAudit(logs...))
	}
}

func TestCutEventsDelaySoundOnesByLessThanTwoSecondsBeforeASlowStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const sound = 8000
		b := eventhubtest.NewBench(1)
		b.Store.DeadLetterTime = 10 * time.Millisecond
		b.Sink.BatchSize, b.Sink.Entered = 400, make(chan struct{}, sound)
		appendFlood(b, sound, 1024)
		began := time.Now() // the bubble's clock
		stop := startPartitions(t, b)
		b.Sink.Await(sound)
		assert.Less(t, time.Since(began), 2*time.Second)
		stop()
		assert.Len(t, b.Store.DeadLetters(), sound)
		assert.EqualValues(t, sound/20-1, b.Sequence())
		assert.Less(t, b.Store.DeadLetterObjects(), 300, "a flood costs bandwidth, not requests")
	})
}

func TestWhatFollowsADeadLetterIsDeliveredWhileOnlyTheCheckpointWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewBench(2)
		b.Store.DeadLetterGate = make(chan struct{})
		b.Hub.Append("0", eventhubtest.Together("a"), []byte(`{"category":"kube-audit" oops`), eventhubtest.Together("b"))
		b.Hub.Append("1", eventhubtest.Together("c"))
		stop := startPartitions(t, b)
		assert.ElementsMatch(t, []string{"a", "b", "c"}, b.Sink.Await(3))
		time.Sleep(time.Hour) // the bubble's clock
		assert.Equal(t, int64(0), b.Sequence(), "it does not pass the dead letter")
		checkpoint, _ := b.Store.Checkpoint("1")
		assert.Equal(t, int64(0), checkpoint.Sequence, "another partition does not wait")
		close(b.Store.DeadLetterGate)
		time.Sleep(2 * b.Cfg.CheckpointInterval) // the bubble's clock
		assert.Equal(t, int64(2), b.Sequence())
		stop()
		assert.Len(t, b.Store.DeadLetters(), 1)
	})
}

func TestARefusedAuditEventHoldsOnlyTheCheckpoint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewBench(1)
		b.Store.DeadLetterGate = make(chan struct{})
		b.Sink.Outcomes = func(event audit.Event) audit.Outcome {
			if event.AuditID == "refused" {
				return audit.Outcome{Verdict: audit.DeadLettered, Reason: "400 Bad Request"}
			}
			return audit.Outcome{Verdict: audit.Delivered}
		}
		b.Hub.Append("0", eventhubtest.OneEach("refused", "good")...)
		stop := startPartitions(t, b)
		b.Sink.Await(2)
		time.Sleep(2 * b.Cfg.CheckpointInterval) // the bubble's clock
		assert.Equal(t, eventhub.NoSequence, b.Sequence())
		close(b.Store.DeadLetterGate)
		time.Sleep(2 * b.Cfg.CheckpointInterval) // the bubble's clock
		assert.Equal(t, int64(1), b.Sequence())
		stop()
	})
}

// The memory for dead letters is bounded: once it is full, the partition waits and loses none.
func TestAPartitionHoldsOnceTooManyDeadLettersWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const all = 2000
		b := eventhubtest.NewBench(1)
		b.Cfg.MaxBytesInFlight = 16 << 20
		b.Sink.BatchSize, b.Sink.Entered = 400, make(chan struct{}, all)
		stop := startPartitions(t, b)
		synctest.Wait()
		b.Store.FailDeadLetters(errors.New("503"))
		appendFlood(b, all, cutBytes)
		time.Sleep(time.Hour) // the bubble's clock
		delivered := len(b.Sink.AuditIDs())
		waiting := delivered * cutBytes
		assert.GreaterOrEqual(t, waiting, lettersShare(b.Cfg)-20*cutBytes, "delivery goes on until then")
		assert.LessOrEqual(t, waiting, lettersShare(b.Cfg)+40*cutBytes)
		assert.Equal(t, eventhub.NoSequence, b.Sequence())
		assert.Equal(t, 1.0, b.Metric(t, "aks_audit_log_dead_letter_failing_partitions"))
		assert.Positive(t, b.Metric(t, `aks_audit_log_partition_lag_events{partition="0"}`))
		b.AssertAlive(t)
		warnings := b.LogCount(logrus.WarnLevel, "cannot store a dead letter, trying again")
		assert.LessOrEqual(t, warnings, 61, "one a minute")
		assert.Positive(t, warnings)

		b.Store.FailDeadLetters(nil)
		b.Sink.Await(all)
		time.Sleep(time.Minute) // the bubble's clock
		assert.EqualValues(t, all/20-1, b.Sequence())
		assert.Zero(t, b.Metric(t, "aks_audit_log_dead_letter_failing_partitions"))
		stop()
		assert.Len(t, b.Store.DeadLetters(), all)
		assert.Len(t, b.Sink.AuditIDs(), all, "each once")
	})
}

func TestAStopWaitsForTheDeadLetters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewBench(1)
		b.Store.DeadLetterTime = 3 * time.Second
		b.Sink.BatchSize, b.Sink.Entered = 400, make(chan struct{}, 1000)
		appendFlood(b, 200, cutBytes)
		stop := startPartitions(t, b)
		b.Sink.Await(200)
		began := time.Now() // the bubble's clock
		stop()
		assert.Less(t, time.Since(began), 25*time.Second, "100 of them are stored 16 at a time, the others at once")
		assert.Len(t, b.Store.DeadLetters(), 200)
		assert.Equal(t, int64(9), b.Sequence())
	})
}

func TestWhatCouldNotBeStoredBeforeAStopComesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewBench(1)
		b.Hub.Append("0", eventhubtest.Together("a"), []byte(`{"category":"kube-audit" oops`), eventhubtest.Together("b"))
		b.Store.FailDeadLetters(errors.New("503"))
		stop := startPartitions(t, b)
		b.Sink.Await(2)
		stop()
		assert.Equal(t, int64(0), b.Sequence())
		b.Store.FailDeadLetters(nil)
		stop = startPartitions(t, b)
		assert.Equal(t, []string{"a", "b", "b"}, b.Sink.Await(3))
		stop()
		assert.Equal(t, int64(2), b.Sequence())
		assert.Len(t, b.Store.DeadLetters(), 1)
	})
}

// After a loss of the sink, what it had confirmed must not be repeated only because an earlier dead letter waits in
// memory.
func TestALossRepeatsNothingThatIsConfirmedBehindADeadLetter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewConfirmingBench()
		b.Store.DeadLetterGate = make(chan struct{})
		b.Hub.Append("0", eventhubtest.Together("a"), []byte(`{"category":"kube-audit" oops`), eventhubtest.Together("b"))
		stop := startPartitions(t, b)
		b.Sink.Await(2)
		time.Sleep(12 * time.Second) // the bubble's clock
		b.Hub.Append("0", []byte(`{"category":"kube-audit" oops, too`), eventhubtest.Together("c"))
		b.Sink.Await(3)
		b.Sink.Lose()
		assert.Equal(t, []string{"a", "b", "c", "c"}, b.Sink.Await(4))
		time.Sleep(12 * time.Second) // the bubble's clock
		assert.Equal(t, int64(0), b.Sequence())
		close(b.Store.DeadLetterGate)
		time.Sleep(2 * b.Cfg.CheckpointInterval) // the bubble's clock
		assert.Equal(t, int64(4), b.Sequence())
		stop()
		assert.Len(t, b.Store.DeadLetters(), 2, "the second waited already when it was read again")
	})
}
