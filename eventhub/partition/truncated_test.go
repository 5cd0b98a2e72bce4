package partition

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/forwarder/audit"
	"aks-audit-log-go/internal/eventhubtest"
)

func TestACutEventIsRepairedDeliveredAndCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewBench(1)
		b.Hub.Append("0", eventhubtest.KubeAudit(eventhubtest.Audit("cut")[:170]))
		b.Hub.Append("0", eventhubtest.OneEach("next")...)
		stop := startPartitions(t, b)
		assert.Equal(t, []string{"cut", "next"}, b.Sink.Await(2))
		stop()
		assert.Equal(t, int64(1), b.Sequence())
		assert.Equal(t, 1.0, b.Metric(t, "aks_audit_log_salvaged_events_total"))
		assert.Equal(t, 2.0, b.Metric(t, `aks_audit_log_records_total{verdict="delivered"}`))
		assert.Empty(t, b.Store.DeadLetters(), "the event lacks nothing that it had in the hub")
	})
}

func TestATruncatedEventIsDeliveredAndItsOriginalIsADeadLetter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewBench(1)
		original := eventhubtest.TooLarge("responseObject")
		b.Hub.Append("0", eventhubtest.KubeAudit(eventhubtest.Audit("first"), original))
		stop := startPartitions(t, b)
		assert.Equal(t, []string{"first", "a"}, b.Sink.Await(2))
		stop()
		assert.Equal(t, int64(0), b.Sequence())
		assert.NotContains(t, string(b.Sink.Events()[1].JSON), "responseObject")
		letters := b.Store.DeadLetters()
		require.Len(t, letters, 1)
		letter := letters[0]
		assert.Equal(t, "0/0-1-1769860800000.json", letter.Name())
		assert.Equal(t, "too_large", letter.Reason)
		assert.Equal(t, "kube-audit", letter.Category)
		assert.Equal(t, original, string(letter.Content))
		assert.Equal(t, 1.0, b.Metric(t, `aks_audit_log_reduced_events_total{reason="too_large"}`))
		assert.Equal(t, 1.0, b.Metric(t, `aks_audit_log_dead_letters_total{reason="too_large"}`))
		assert.Equal(t, 2.0, b.Metric(t, `aks_audit_log_records_total{verdict="delivered"}`))
		assert.Zero(t, b.Metric(t, `aks_audit_log_records_total{verdict="dead_lettered"}`),
			"each record has one verdict")
		const said = "audit event sent truncated, without its request or response object: the original is stored as a dead letter"
		assert.Equal(t, 1, b.LogCount(logrus.WarnLevel, said))
		for _, logged := range b.Logged.AllEntries() {
			assert.NotContains(t, logged.Message, "cannot be delivered")
			if logged.Message == said {
				assert.Equal(t, letter.Name(), logged.Data["dead_letter"], "the warning says where the original is")
			}
		}
	})
}

func TestTheCheckpointWaitsUntilTheOriginalOfATruncatedEventIsStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewBench(1)
		stop := startPartitions(t, b)
		synctest.Wait()
		b.Store.FailDeadLetters(errors.New("503"))
		b.Hub.Append("0", eventhubtest.KubeAudit(eventhubtest.TooLarge("responseObject")))
		b.Sink.Await(1)
		time.Sleep(time.Hour) // the bubble's clock
		_, known := b.Store.Checkpoint("0")
		assert.False(t, known)
		b.Store.FailDeadLetters(nil)
		time.Sleep(time.Minute) // the bubble's clock
		assert.Equal(t, int64(0), b.Sequence())
		stop()
		require.Len(t, b.Store.DeadLetters(), 1)
		assert.Len(t, b.Sink.AuditIDs(), 1)
	})
}

func TestTheOriginalOfATruncatedEventThatTheSinkRefusesStaysWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewBench(1)
		b.Sink.Outcomes = func(event audit.Event) audit.Outcome {
			if event.Truncated {
				return audit.Outcome{Verdict: audit.DeadLettered, Reason: "400 Bad Request"}
			}
			return audit.Outcome{Verdict: audit.Delivered}
		}
		original := eventhubtest.WithRequest(eventhubtest.Nested(400))
		b.Hub.Append("0", eventhubtest.KubeAudit(original))
		b.Hub.Append("0", eventhubtest.OneEach("next")...)
		stop := startPartitions(t, b)
		b.Sink.Await(2)
		stop()
		letters := b.Store.DeadLetters()
		require.Len(t, letters, 1)
		assert.Equal(t, original, string(letters[0].Content))
		assert.Equal(t, 1.0, b.Metric(t, `aks_audit_log_records_total{verdict="dead_lettered"}`))
		assert.Equal(t, int64(1), b.Sequence())
	})
}
