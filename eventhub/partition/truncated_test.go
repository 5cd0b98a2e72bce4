package partition

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/forwarder/audit"
	"aks-audit-log-go/internal/eventhubtest"
)

func assertPosition(t *testing.T, b *eventhubtest.Bench, want int64) {
	t.Helper()
	checkpoint, _ := b.Store.Checkpoint("0")
	assert.Equal(t, want, checkpoint.Sequence)
}

func TestACutEventIsDeliveredSalvagedAndCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewBench(1)
		b.Hub.Append("0", eventhubtest.HubBody(eventhubtest.AuditRecord("kube-audit", eventhubtest.Audit("cut")[:170])))
		b.Hub.Append("0", eventhubtest.OneEach("next")...)
		stop := startPartitions(t, b)
		assert.Equal(t, []string{"cut", "next"}, b.Sink.Await(2))
		stop()
		assertPosition(t, b, 1)
		assert.Equal(t, 1.0, b.Metric(t, "aks_audit_log_salvaged_events_total"))
		assert.Equal(t, 2.0, b.Metric(t, "aks_audit_log_records_total", "delivered"))
		assert.Empty(t, b.Store.Letters, "nothing that was whole is missing")
	})
}

func TestAReducedEventIsDeliveredAndItsOriginalIsADeadLetter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewBench(1)
		original := eventhubtest.TooLarge("responseObject")
		b.Hub.Append("0", eventhubtest.HubBody(eventhubtest.AuditRecord("kube-audit", eventhubtest.Audit("first")), eventhubtest.AuditRecord("kube-audit", original)))
		stop := startPartitions(t, b)
		assert.Equal(t, []string{"first", "a"}, b.Sink.Await(2))
		stop()
		assertPosition(t, b, 0)
		assert.NotContains(t, string(b.Sink.Got[1].JSON), "responseObject")
		require.Len(t, b.Store.Letters, 1)
		letter := b.Store.Letters[0]
		assert.Equal(t, "0/0-1.json", letter.Name())
		assert.Equal(t, "too_large", letter.Reason)
		assert.Equal(t, "kube-audit", letter.Category)
		assert.Equal(t, original, string(letter.Content))
		assert.Equal(t, 1.0, b.Metric(t, "aks_audit_log_reduced_events_total", "too_large"))
		assert.Equal(t, 1.0, b.Metric(t, "aks_audit_log_dead_letters_total", "too_large"))
		assert.Equal(t, 2.0, b.Metric(t, "aks_audit_log_records_total", "delivered"))
		assert.Zero(t, b.Metric(t, "aks_audit_log_records_total", "dead_lettered"), "each record has one verdict")
	})
}

func TestAReducedEventWaitsUntilItsOriginalIsStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewBench(1)
		stop := startPartitions(t, b)
		synctest.Wait()
		b.Store.Fail(errors.New("503"))
		b.Hub.Append("0", eventhubtest.HubBody(eventhubtest.AuditRecord("kube-audit", eventhubtest.TooLarge("responseObject"))))
		time.Sleep(time.Hour)
		assert.Empty(t, b.Sink.All(), "the partition waits")
		_, known := b.Store.Checkpoint("0")
		assert.False(t, known)
		b.Store.Fail(nil)
		b.Sink.Await(1)
		stop()
		require.Len(t, b.Store.Letters, 1)
		assertPosition(t, b, 0)
	})
}

func TestTheOriginalOfAReducedEventThatTheSinkRefusesStaysWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewBench(1)
		b.Sink.Outcomes = func(event audit.Event) audit.Outcome {
			if event.Truncated {
				return audit.Outcome{Verdict: audit.DeadLettered, Reason: "400 Bad Request"}
			}
			return audit.Outcome{Verdict: audit.Delivered}
		}
		original := eventhubtest.WithRequest(eventhubtest.Nested(400))
		b.Hub.Append("0", eventhubtest.HubBody(eventhubtest.AuditRecord("kube-audit", original)))
		b.Hub.Append("0", eventhubtest.OneEach("next")...)
		stop := startPartitions(t, b)
		b.Sink.Await(2)
		stop()
		require.Len(t, b.Store.Letters, 1)
		assert.Equal(t, original, string(b.Store.Letters[0].Content))
		assert.Equal(t, 1.0, b.Metric(t, "aks_audit_log_records_total", "dead_lettered"))
		assertPosition(t, b, 1)
	})
}
