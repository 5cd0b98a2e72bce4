package consumer

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/stretchr/testify/assert"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/internal/eventhubtest"
)

// newLatestBench returns a bench whose consumers start at the newest event.
func newLatestBench(partitions int) *eventhubtest.Bench {
	b := eventhubtest.NewBench(partitions)
	b.Cfg.StartPosition = forwarder.StartPosition{Kind: forwarder.StartLatest}
	return b
}

func TestPartitionsThatAreAddedAreReadFromTheirOldestEventWithinAMinute(t *testing.T) {
	for name, start := range map[string]forwarder.StartPosition{
		"earliest": {Kind: forwarder.StartEarliest},
		"latest":   {Kind: forwarder.StartLatest},
		"a time":   {Kind: forwarder.StartAtTime, Time: eventhubtest.Noon.Add(time.Hour)},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := eventhubtest.NewBench(2)
				b.Cfg.StartPosition = start
				stop := startConsumer(t, b)
				synctest.Wait()
				b.Hub.SetPartitions(4)
				b.Hub.Append("2", eventhubtest.OneEach("a", "b")...)
				b.Hub.Append("3", eventhubtest.OneEach("c")...)
				time.Sleep(time.Minute)
				assert.ElementsMatch(t, []string{"a", "b", "c"}, b.Sink.AuditIDs())
				_, reason := b.Health.Ready()
				assert.Equal(t, "ready: owning 4 of 4 partitions", reason)
				assert.Len(t, b.Status().Partitions, 4)
				assert.Equal(t, 1, b.LogCount(logrus.InfoLevel, "the event hub has more partitions"))
				stop()
			})
		})
	}
}

func TestAnErrorOrAnAnswerWithoutPartitionsLeavesTheKnownOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewBench(2)
		stop := startConsumer(t, b)
		synctest.Wait()
		b.Hub.SetUnreachable(errors.New("no route to host"))
		time.Sleep(10 * time.Minute)
		b.Hub.SetUnreachable(nil)
		b.Hub.SetPartitions(0)
		time.Sleep(10 * time.Minute)
		assert.Equal(t, 2.0, b.Metric(t, "aks_audit_log_partitions_owned"))
		stop()
	})
}

func TestAReplicaThatStartsAfterPartitionsWereAddedReadsThemFromTheirOldestEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newLatestBench(2)
		startConsumer(t, b)()
		b.Hub.SetPartitions(4)
		b.Hub.Append("3", eventhubtest.OneEach("a")...)
		stop := startConsumer(t, b)
		assert.Equal(t, []string{"a"}, b.Sink.Await(1))
		stop()
	})
}

func TestOfTwoReplicasEitherMayGetAnAddedPartition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newLatestBench(2)
		stopFirst := startConsumer(t, b)
		synctest.Wait()
		b.Hub.SetPartitions(4)
		b.Hub.Append("2", eventhubtest.OneEach("a")...)
		b.Hub.Append("3", eventhubtest.OneEach("b")...)
		stopSecond := startConsumer(t, b) // it knows four partitions from the start
		time.Sleep(time.Minute)
		assert.ElementsMatch(t, []string{"a", "b"}, b.Sink.AuditIDs())
		for owner, partitions := range b.Store.PartitionsByOwner() {
			assert.Len(t, partitions, 2, owner)
		}
		stopFirst()
		stopSecond()
	})
}

// The second replica finds a checkpoint of the first one, and none for the partitions that it claims itself.
func TestInTheFirstStartOfTwoReplicasAllPartitionsStartWhereTheOperatorSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newLatestBench(4)
		for _, partition := range eventhubtest.PartitionIDs(4) {
			b.Hub.Append(partition, eventhubtest.OneEach("old "+partition)...)
		}
		stopFirst := startConsumer(t, b)
		stopSecond := startConsumer(t, b)
		time.Sleep(time.Minute)
		assert.Empty(t, b.Sink.AuditIDs())
		b.Store.Delete("1", "2", "3") // what the store holds when the first replica has started one partition
		stopFirst()
		stopSecond()
		stop := startConsumer(t, b)
		time.Sleep(time.Minute)
		assert.Empty(t, b.Sink.AuditIDs())
		stop()
	})
}

// A version without the record of the first partitions, or another reader, wrote the checkpoints.
func TestAPartitionWithoutACheckpointBesideOthersWithOneWasAddedLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newLatestBench(3)
		b.Store.MoveCheckpoint("0", eventhub.NoSequence)
		b.Store.MoveCheckpoint("1", eventhub.NoSequence)
		b.Hub.Append("2", eventhubtest.OneEach("a")...)
		stop := startConsumer(t, b)
		assert.Equal(t, []string{"a"}, b.Sink.Await(1))
		stop()
	})
}

func TestAPartitionThatIsGoneIsGivenUpAndNotClaimedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewBench(3)
		stop := startConsumer(t, b)
		synctest.Wait()
		b.Hub.SetPartitions(2)
		time.Sleep(askInterval + balanceInterval*2)
		assert.NotEmpty(t, b.Store.Owner("2"), "one answer proves nothing")
		time.Sleep(askInterval)
		assert.Empty(t, b.Store.Owner("2"))
		b.AssertReadiness(t, eventhubtest.OwnsAll)
		assert.Empty(t, b.Store.Owner("2"))

		b.Hub.SetPartitions(3)
		b.Hub.Append("2", eventhubtest.OneEach("a")...)
		b.Sink.Await(1)
		stop()
	})
}

func TestAPartitionThatOneAnswerLeavesOutIsKept(t *testing.T) {
	var known knownPartitions
	for _, step := range []struct{ answer, added, gone, after []string }{
		{[]string{"0", "1"}, []string{"0", "1"}, nil, []string{"0", "1"}},
		{[]string{"0"}, nil, nil, []string{"0", "1"}},
		{[]string{"0", "1", "2"}, []string{"2"}, nil, []string{"0", "1", "2"}},
		{[]string{"0"}, nil, nil, []string{"0", "1", "2"}},
		{nil, nil, nil, []string{"0", "1", "2"}},
		{[]string{"0", "2"}, nil, []string{"1"}, []string{"0", "2"}},
		{[]string{"0", "1"}, []string{"1"}, nil, []string{"0", "2", "1"}},
		{[]string{"0", "1"}, nil, []string{"2"}, []string{"0", "1"}},
	} {
		added, gone := known.note(step.answer)
		assert.ElementsMatch(t, step.added, added, step)
		assert.ElementsMatch(t, step.gone, gone, step)
		assert.Equal(t, step.after, known.list(), step)
	}
}
