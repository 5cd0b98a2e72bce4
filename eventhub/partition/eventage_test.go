package partition

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"

	"aks-audit-log-go/forwarder/audit"
	"aks-audit-log-go/internal/eventhubtest"
)

const acceptedAges = "aks_audit_log_accepted_event_age_seconds"

func TestTheAgeOfOneEventOfEachRequestIsRecorded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewBench(1)
		b.Sink.Gate, b.Sink.BatchSize = make(chan struct{}), 400
		b.Hub.Append("0", eventhubtest.OneEach("a")...)
		stop := startPartitions(t, b)
		<-b.Sink.Entered
		b.Hub.Append("0", eventhubtest.Together("b", "c"), otherCategory, eventhubtest.Together("d"))
		synctest.Wait()
		close(b.Sink.Gate)
		b.Sink.Await(4)
		stop()
		assert.InDelta(t, 2, b.Metric(t, acceptedAges), 0, "there were two requests")
	})
}

func TestOnlyEventsThatBeginAHubEventHaveTheirAgeRecorded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewBench(1)
		b.Sink.BatchSize = 1
		b.Hub.Append("0", eventhubtest.Together("a", "b", "c"), eventhubtest.Together("d", "e"))
		stop := startPartitions(t, b)
		b.Sink.Await(5)
		stop()
		assert.InDelta(t, 2, b.Metric(t, acceptedAges), 0)
	})
}

func TestTheAgeOfAnEventThatWasNotAcceptedIsNotRecorded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewBench(1)
		outcomes := map[string]audit.Outcome{
			"a": {Verdict: audit.DeadLettered, Reason: "400"}, "b": {Verdict: audit.Dropped}, "c": {Verdict: audit.Delivered},
		}
		b.Sink.Outcomes = func(event audit.Event) audit.Outcome { return outcomes[event.AuditID] }
		b.Hub.Append("0", eventhubtest.OneEach("a", "b", "c")...)
		stop := startPartitions(t, b)
		b.Sink.Await(3)
		stop()
		assert.InDelta(t, 1, b.Metric(t, acceptedAges), 0)
	})
}
