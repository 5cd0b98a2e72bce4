package eventhub

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"

	"aks-audit-log-go/forwarder"
)

func TestWhatIsAskedForAheadFollowsTheBytesInFlight(t *testing.T) {
	tests := map[string]struct {
		fixed, bytes, partitions int
		want                     int32
	}{
		"the default, four partitions":     {0, 64 << 20, 4, 12},
		"the default, 32 partitions":       {0, 64 << 20, 32, 2},
		"the default, one partition":       {0, 64 << 20, 1, 48},
		"never less than two":              {0, 1 << 20, 100, 2},
		"never more than is of use":        {0, 2 << 30, 1, 256},
		"before the hub has said how many": {0, 256 << 20, 0, 6},
		"EVENTHUBPREFETCH":                 {300, 64 << 20, 32, 300},
		"EVENTHUBPREFETCH of one":          {1, 64 << 20, 1, 1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c := newCredits(forwarder.Config{HubPrefetch: test.fixed, MaxBytesInFlight: test.bytes})
			if test.partitions > 0 {
				c.learn(test.partitions)
			}
			assert.Equal(t, test.want, c.each())
		})
	}
}

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
	shares := newShares(4<<20, 3) // one MiB for what is unpacked
	for i := range shares {
		assert.True(t, mayTake(&shares[i]), i)
		shares[i].take(largestEvent)
		assert.False(t, mayTake(&shares[i]), i)
	}
	_, later := shares[0].room()
	shares[0].giveBack(largestEvent)
	<-later
	assert.True(t, mayTake(&shares[0]))
	assert.False(t, mayTake(&shares[1]), "the others hold two MiB")
}

func TestAPartitionMayTakeWhatTheOthersLeave(t *testing.T) {
	shares := newShares(8<<20, 2) // two MiB for what is unpacked
	a, b := &shares[0], &shares[1]
	b.take(largestEvent)
	a.take(largestEvent - 1)
	assert.True(t, mayTake(a), "a byte is left")
	a.take(largestEvent)
	assert.False(t, mayTake(a))
	_, later := a.room()
	b.close()
	<-later
	assert.True(t, mayTake(a), "what has ended holds nothing")
	a.close()
	assert.Equal(t, 2<<20, a.free, "nothing is lost of it")
}

// While the sink is down, however many partitions there are.
func TestTheBytesInFlightAreBoundedOverAllPartitions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const partitions, perPartition = 4, 40
		b := newBench(partitions)
		b.cfg.MaxBytesInFlight = 4 * (partitions + 2) * largestEvent
		b.cfg.PostBatchMaxBytes = 100 << 20
		b.sink.gate = make(chan struct{})
		pad := strings.Repeat("x", 200_000)
		for _, id := range ids(partitions) {
			for n := range perPartition {
				b.hub.append(id, hubBody(auditRecord("kube-audit", strings.Replace(audit(fmt.Sprint(id, "-", n)), "{", `{"pad":"`+pad+`",`, 1))))
			}
		}
		stop := b.start(t)
		for range partitions {
			<-b.sink.entered
		}
		synctest.Wait()
		bytes := 0.0
		for _, id := range ids(partitions) {
			bytes += b.metric(t, "aks_audit_log_hub_event_bytes_total", id)
		}
		assert.LessOrEqual(t, bytes, float64(unpackedShare(b.cfg.MaxBytesInFlight)+partitions*largestEvent))
		assert.Greater(t, bytes, float64(2*largestEvent), "but what is allowed is used")
		close(b.sink.gate)
		b.sink.await(partitions * perPartition)
		stop()
	})
}

// Behind one that the sink does not take.
func TestHubEventsWithoutRecordsAreBoundedToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const most = 100
		b := newBench(1)
		b.cfg.MaxBytesInFlight = 4 * most * recordOverhead
		b.sink.gate = make(chan struct{})
		b.hub.append("0", oneEach("a")...)
		for range 10 * most {
			b.hub.append("0", []byte("[]"))
		}
		stop := b.start(t)
		<-b.sink.entered
		synctest.Wait()
		assert.LessOrEqual(t, b.metric(t, "aks_audit_log_hub_events_total", "0"), float64(most))
		close(b.sink.gate)
		b.sink.await(1)
		synctest.Wait()
		stop()
		assert.EqualValues(t, 10*most, b.sequenceOf())
	})
}
