package partition

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"aks-audit-log-go/internal/eventhubtest"
)

func TestAHubMadeAnewIsReadFromItsFirstEventAndTheOperatorIsTold(t *testing.T) {
	for name, anew := range map[string][]string{"fewer events": {"x"}, "more events": {"w", "x", "y", "z"}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := eventhubtest.NewBench(1)
				b.Hub.Append("0", eventhubtest.OneEach("a", "b", "c")...)
				stop := startPartitions(t, b)
				b.Sink.Await(3)
				time.Sleep(time.Minute)
				b.Hub.Remake()
				b.Hub.Append("0", eventhubtest.OneEach(anew...)...)
				time.Sleep(time.Minute)
				assert.Equal(t, append([]string{"a", "b", "c"}, anew...), b.Sink.AuditIDs())
				assert.Equal(t, 1.0, b.Metric(t, `aks_audit_log_streams_changed_total{partition="0"}`))
				assert.Zero(t, b.Metric(t, `aks_audit_log_partition_lag_events{partition="0"}`))
				assert.Zero(t, b.Metric(t, `aks_audit_log_missing_events_total{partition="0"}`))
				assert.Zero(t, b.Metric(t, `aks_audit_log_replayed_events_total`))
				stop()
				stored, _ := b.Store.Checkpoint("0")
				assert.Equal(t, int64(len(anew)-1), stored.Sequence)

				// A restart continues in the new hub, and ignores the old checkpoint.
				b.Hub.Append("0", eventhubtest.OneEach("next")...)
				stop = startPartitions(t, b)
				b.Sink.Await(4 + len(anew))
				assert.Equal(t, 1.0, b.Metric(t, `aks_audit_log_streams_changed_total{partition="0"}`))
				stop()
			})
		})
	}
}

func TestWhatANewHubHoldsIsLagBeforeItIsRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewBench(1)
		b.Hub.Append("0", eventhubtest.OneEach("a", "b", "c")...)
		stop := startPartitions(t, b)
		b.Sink.Await(3)
		b.Sink.Gate = make(chan struct{})
		b.Hub.Remake()
		b.Hub.Append("0", eventhubtest.OneEach("x", "y")...)
		time.Sleep(3 * LagInterval)
		assert.Equal(t, 2.0, b.Metric(t, `aks_audit_log_partition_lag_events{partition="0"}`))
		close(b.Sink.Gate)
		b.Sink.Await(5)
		stop()
	})
}

func TestALinkThatStallsInAHubMadeAnewIsOpenedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewBench(1)
		b.Hub.Append("0", eventhubtest.OneEach("a", "b", "c")...)
		stop := startPartitions(t, b)
		b.Sink.Await(3)
		b.Hub.Remake()
		time.Sleep(time.Second) // until the link is open again
		b.Hub.Stall()
		b.Hub.Append("0", eventhubtest.OneEach("x")...)
		time.Sleep(3 * LagInterval)
		assert.Equal(t, []string{"a", "b", "c", "x"}, b.Sink.AuditIDs())
		stop()
	})
}
