package consumer

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/internal/eventhubtest"
)

func TestAStopFinishesTheHubEventInHand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewBench(1)
		b.Sink.Gate = make(chan struct{})
		b.Hub.Append("0", eventhubtest.Together("a", "b"))
		stop := startConsumer(t, b)
		<-b.Sink.Entered
		go func() {
			time.Sleep(time.Second) // the stop comes first
			close(b.Sink.Gate)
		}()
		stop()
		assert.Equal(t, []string{"a", "b"}, b.Sink.AuditIDs())
		checkpoint, _ := b.Store.Checkpoint("0")
		assert.Equal(t, int64(0), checkpoint.Sequence)
	})
}

func TestAStopDoesNotWaitForASinkThatIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewBench(1)
		b.Sink.Gate = make(chan struct{}, 1)
		b.Sink.Gate <- struct{}{}
		b.Hub.Append("0", eventhubtest.OneEach("a", "b")...)
		stop := startConsumer(t, b)
		<-b.Sink.Entered
		<-b.Sink.Entered
		close(b.Sink.Stop)
		began := time.Now()
		stop()
		assert.Zero(t, time.Since(began))
		checkpoint, _ := b.Store.Checkpoint("0")
		assert.Equal(t, int64(0), checkpoint.Sequence, "what was delivered before is recorded")
		assert.Empty(t, b.Store.Owner("0"))
	})
}

func TestAStopEndsWithinItsTimeThoughTheSinkHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewBench(3)
		b.Sink.Gate = make(chan struct{})
		for _, partition := range eventhubtest.PartitionIDs(3) {
			b.Hub.Append(partition, eventhubtest.OneEach("a"+partition)...)
		}
		stop := startConsumer(t, b)
		for range 3 {
			<-b.Sink.Entered
		}
		began := time.Now()
		stop()
		assert.LessOrEqual(t, time.Since(began), b.Cfg.ShutdownTimeout)
		_, known := b.Store.Checkpoint("0")
		assert.False(t, known, "an event without a verdict is not passed")
	})
}

func TestAStopWhileADeadLetterCannotBeStoredLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewBench(1)
		stop := startConsumer(t, b)
		synctest.Wait()
		b.Store.Fail(errors.New("503"))
		b.Hub.Append("0", []byte(`{"category":"kube-audit" oops`))
		time.Sleep(time.Minute) // the bubble's clock
		stop()
		_, known := b.Store.Checkpoint("0")
		assert.False(t, known)
	})
}

func TestDrainingLeavesTimeForTheLastRequests(t *testing.T) {
	for shutdown, want := range map[time.Duration]time.Duration{
		250 * time.Second: 130 * time.Second,
		25 * time.Second:  13 * time.Second,
		10 * time.Second:  5 * time.Second,
		time.Second:       500 * time.Millisecond,
	} {
		assert.Equal(t, want, workTimeout(shutdown))
	}
}

func TestAStopWaitsForConfirmationOnlyAsLongAsItMay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewConfirmingBench()
		b.Sink.ConfirmTime = time.Hour
		b.Hub.Append("0", eventhubtest.OneEach("a")...)
		stop := startConsumer(t, b)
		b.Sink.Await(1)
		began := time.Now()
		stop()
		assert.Equal(t, workTimeout(b.Cfg.ShutdownTimeout), time.Since(began))
		assert.Equal(t, eventhub.NoSequence, b.Sequence())
		assert.Empty(t, b.Store.Owner("0"))
		b.Sink.ConfirmTime = 0
		stop = startConsumer(t, b)
		assert.Equal(t, []string{"a", "a"}, b.Sink.Await(2))
		stop()
	})
}

func TestADisplacedReaderWaitsForNoConfirmationAndWritesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewConfirmingBench()
		b.Hub.Append("0", eventhubtest.OneEach("a")...)
		stop := startConsumer(t, b)
		b.Sink.Await(1)
		b.Store.MoveCheckpoint("0", 17)
		b.Hub.Displace()
		synctest.Wait()
		assert.Equal(t, 0.0, b.Metric(t, "aks_audit_log_partitions_owned"))
		time.Sleep(5 * time.Second) // the bubble's clock
		assert.Equal(t, int64(17), b.Sequence())
		stop()
	})
}
