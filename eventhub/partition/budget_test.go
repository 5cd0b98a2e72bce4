package partition

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/internal/eventhubtest"
)

func newShares(bytes, count int) []share {
	budget := newBudget(forwarder.Config{MaxBytesInFlight: bytes})
	shares := make([]share, count)
	for i := range shares {
		shares[i].budget = budget
	}
	return shares
}

func mayTake(s *share) bool { room, _ := s.room(); return room }

func TestAPartitionThatHoldsNothingMayAlwaysTakeAnEvent(t *testing.T) {
	shares := newShares(4<<20, 3) // 1 MiB for unpacked hub events
	for i := range shares {
		assert.True(t, mayTake(&shares[i]), i)
		shares[i].reserve(eventhub.MaxHubEventSize)
		assert.False(t, mayTake(&shares[i]), i)
	}
	_, later := shares[0].room()
	shares[0].release(eventhub.MaxHubEventSize)
	<-later
	assert.True(t, mayTake(&shares[0]))
	assert.False(t, mayTake(&shares[1]), "the others hold two MiB")
}

func TestAPartitionMayTakeWhatTheOthersLeave(t *testing.T) {
	shares := newShares(8<<20, 2) // 2 MiB for unpacked hub events
	a, b := &shares[0], &shares[1]
	b.reserve(eventhub.MaxHubEventSize)
	a.reserve(eventhub.MaxHubEventSize - 1)
	assert.True(t, mayTake(a), "a byte is left")
	a.reserve(eventhub.MaxHubEventSize)
	assert.False(t, mayTake(a))
	_, later := a.room()
	b.releaseAll()
	<-later
	assert.True(t, mayTake(a), "a partition that has ended holds nothing")
	a.releaseAll()
	assert.Equal(t, 2<<20, a.free, "nothing is lost of it")
}

func TestAPartitionWithALargeEventTakesNoOtherUntilItIsDone(t *testing.T) {
	a, released := &newShares(1<<30, 1)[0], 0
	for _, end := range []func(){func() { a.release(2) }, a.releaseAll} {
		released = 0
		a.reserve(1)
		a.reserve(2)
		a.keep(func() { released++ })
		a.keep(nil)
		assert.False(t, mayTake(a))
		a.release(1)
		assert.Zero(t, released, "the large one is not done")
		_, later := a.room()
		end()
		<-later
		assert.Equal(t, 1, released)
		assert.True(t, mayTake(a))
	}
}

// The bound holds while the sink is down, however many partitions there are.
func TestTheBytesInFlightAreBoundedOverAllPartitions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const partitions, perPartition = 4, 40
		b := eventhubtest.NewBench(partitions)
		b.Cfg.MaxBytesInFlight = 4 * (partitions + 2) * eventhub.MaxHubEventSize
		b.Cfg.PostBatchMaxBytes = 100 << 20
		b.Sink.Gate = make(chan struct{})
		pad := strings.Repeat("x", 200_000)
		for _, id := range eventhubtest.PartitionIDs(partitions) {
			for n := range perPartition {
				event := eventhubtest.Audit(fmt.Sprint(id, "-", n))
				b.Hub.Append(id, eventhubtest.KubeAudit(strings.Replace(event, "{", `{"pad":"`+pad+`",`, 1)))
			}
		}
		stop := startPartitions(t, b)
		for range partitions {
			<-b.Sink.Entered
		}
		synctest.Wait()
		bytes := 0.0
		for _, id := range eventhubtest.PartitionIDs(partitions) {
			bytes += b.Metric(t, fmt.Sprintf(`aks_audit_log_hub_event_bytes_total{partition=%q}`, id))
		}
		assert.LessOrEqual(t, bytes, float64(eventhub.UnpackedShare(b.Cfg.MaxBytesInFlight)+partitions*eventhub.MaxHubEventSize))
		assert.Greater(t, bytes, float64(2*eventhub.MaxHubEventSize), "but what is allowed is used")
		close(b.Sink.Gate)
		b.Sink.Await(partitions * perPartition)
		stop()
	})
}

// The hub events without records wait after one that the sink does not take.
func TestHubEventsWithoutRecordsAreBoundedToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const most = 100
		b := eventhubtest.NewBench(1)
		b.Cfg.MaxBytesInFlight = 4 * most * recordOverhead
		b.Sink.Gate = make(chan struct{})
		b.Hub.Append("0", eventhubtest.OneEach("a")...)
		for range 10 * most {
			b.Hub.Append("0", []byte("[]"))
		}
		stop := startPartitions(t, b)
		<-b.Sink.Entered
		synctest.Wait()
		assert.LessOrEqual(t, b.Metric(t, `aks_audit_log_hub_events_total{partition="0"}`), float64(most))
		close(b.Sink.Gate)
		b.Sink.Await(1)
		synctest.Wait()
		stop()
		assert.EqualValues(t, 10*most, b.Sequence())
	})
}
