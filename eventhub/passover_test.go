package eventhub

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"aks-audit-log-go/forwarder"
)

// refusing is what a sink says that takes all but the first of the event a.
func refusing(verdict forwarder.Verdict) func(forwarder.AuditEvent) forwarder.Outcome {
	refused := false
	return func(event forwarder.AuditEvent) forwarder.Outcome {
		if event.AuditID == "a" && !refused {
			refused = true
			return forwarder.Outcome{Verdict: verdict, Reason: "not today"}
		}
		return forwarder.Outcome{Verdict: forwarder.Delivered}
	}
}

// In the tests below what is in capitals is of the other category.
func mixed(ids ...string) []byte {
	var records []string
	for _, id := range ids {
		if id >= "a" {
			records = append(records, auditRecord(all, audit(id)))
		} else {
			records = append(records, auditRecord(admin, audit(string(id[0]|0x20))))
		}
	}
	return hubBody(records...)
}

func TestTheCopyOfAnEventThatTheSinkDidNotTakeIsSentInItsTurn(t *testing.T) {
	for _, test := range []struct {
		name      string
		verdict   forwarder.Verdict
		atATime   int
		hubEvents [][]byte
		want      []string
		copies    float64
	}{
		{"refused, right behind it", forwarder.DeadLettered, 100, [][]byte{mixed("a", "A", "b", "B")}, []string{"a", "a", "b"}, 1},
		{"refused, further behind", forwarder.DeadLettered, 100, [][]byte{mixed("a", "b", "A", "B", "c")}, []string{"a", "b", "a", "c"}, 1},
		{"refused, not the first", forwarder.DeadLettered, 100, [][]byte{mixed("x", "a", "b", "X", "A", "c")}, []string{"x", "a", "b", "a", "c"}, 1},
		{"refused, in another hub event", forwarder.DeadLettered, 100, [][]byte{mixed("a", "b"), mixed("A", "B"), mixed("c")}, []string{"a", "b", "a", "c"}, 1},
		{"refused, and another one", forwarder.DeadLettered, 100, [][]byte{mixed("a", "b"), mixed("A", "c"), mixed("A", "d")}, []string{"a", "b", "a", "c", "d"}, 1},
		{"dropped, with the next", forwarder.Dropped, 2, [][]byte{mixed("a", "b", "A", "B", "c")}, []string{"a", "a", "b", "c"}, 0},
		{"dropped, and another one", forwarder.Dropped, 2, [][]byte{mixed("a", "b", "A", "A", "c", "A")}, []string{"a", "a", "c"}, 2},
		{"dropped, with what is behind the copy", forwarder.Dropped, 3, [][]byte{mixed("a", "b", "A", "c", "d", "A")}, []string{"a", "d", "a"}, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(1)
				b.sink.atATime = test.atATime
				b.sink.outcomes = refusing(test.verdict)
				b.hub.append("0", test.hubEvents...)
				stop := b.start(t)
				time.Sleep(time.Minute) // the bubble's clock
				stop()
				assert.Equal(t, test.want, b.sink.all())
				assert.Equal(t, test.copies, b.copiesPassedOver(t))
				assert.Equal(t, int64(len(test.hubEvents)-1), b.sequence())
				records, judged := 0, 0.0
				for _, body := range test.hubEvents {
					records += bytes.Count(body, []byte(`"category"`))
				}
				for _, verdict := range forwarder.Verdicts() {
					judged += b.metric(t, "aks_audit_log_records_total", string(verdict))
				}
				assert.Equal(t, float64(records), judged, "each record has one verdict")
			})
		})
	}
}

func TestCopiesMakeNoBatchSmaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(1)
		b.sink.atATime = 100
		b.hub.append("0", mixed("a", "A", "b", "B", "A", "c"))
		stop := b.start(t)
		assert.Equal(t, []string{"a", "b", "c"}, b.sink.await(3))
		stop()
		assert.Equal(t, []int{3}, b.sink.offers())
	})
}

// What is before a copy in its hub event may have gone already: so it is finished, with the copy.
func TestAStopSendsTheCopyOfWhatIsRefusedInTheHubEventInHand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(1)
		b.sink.gate, b.sink.atATime = make(chan struct{}), 100
		b.sink.outcomes = refusing(forwarder.DeadLettered)
		b.hub.append("0", mixed("a", "A", "b"), mixed("c", "B"))
		stop := b.start(t)
		<-b.sink.entered
		go func() {
			time.Sleep(time.Second) // the stop comes first
			close(b.sink.gate)
		}()
		stop()
		assert.Equal(t, []string{"a", "a", "b"}, b.sink.all())
		assert.Equal(t, int64(0), b.sequence(), "the copy of b waits for the next owner")
		assert.Zero(t, b.copiesPassedOver(t))
	})
}

func TestWhatWaitsWhenTheSinkIsLostWaitsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(1)
		b.sink.settleTime = time.Hour
		b.sink.gate, b.sink.atATime = make(chan struct{}, 10), 100
		b.sink.gate <- struct{}{}
		b.hub.append("0", mixed("x"))
		stop := b.start(t)
		b.sink.await(1)
		b.hub.append("0", mixed("a", "A", "b"), mixed("B", "X"))
		synctest.Wait() // a is in the POST in flight
		b.sink.lose()
		synctest.Wait()
		close(b.sink.gate)
		b.sink.await(4)
		synctest.Wait()
		assert.Equal(t, []string{"x", "x", "a", "b"}, b.sink.all())
		assert.Equal(t, 3.0, b.copiesPassedOver(t))
		close(b.sink.stop)
		stop()
	})
}
