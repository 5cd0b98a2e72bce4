package eventhub

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/forwarder"
)

func assertPosition(t *testing.T, b *bench, want int64) {
	t.Helper()
	checkpoint, _ := b.store.checkpoint("0")
	assert.Equal(t, want, checkpoint.Sequence)
}

func TestACutEventIsDeliveredSalvagedAndCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(1)
		b.hub.append("0", hubBody(auditRecord("kube-audit", audit("cut")[:170])))
		b.hub.append("0", oneEach("next")...)
		stop := b.start(t)
		assert.Equal(t, []string{"cut", "next"}, b.sink.await(2))
		stop()
		assertPosition(t, b, 1)
		assert.Equal(t, 1.0, b.metric(t, "aks_audit_log_salvaged_events_total"))
		assert.Equal(t, 2.0, b.metric(t, "aks_audit_log_records_total", "delivered"))
		assert.Empty(t, b.store.letters, "nothing that was whole is missing")
	})
}

func TestAReducedEventIsDeliveredAndItsOriginalIsADeadLetter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(1)
		original := tooLarge("responseObject")
		b.hub.append("0", hubBody(auditRecord("kube-audit", audit("first")), auditRecord("kube-audit", original)))
		stop := b.start(t)
		assert.Equal(t, []string{"first", "a"}, b.sink.await(2))
		stop()
		assertPosition(t, b, 0)
		assert.NotContains(t, string(b.sink.got[1].JSON), "responseObject")
		require.Len(t, b.store.letters, 1)
		letter := b.store.letters[0]
		assert.Equal(t, "0/0-1.json", letter.name())
		assert.Equal(t, "too_large", letter.Reason)
		assert.Equal(t, "kube-audit", letter.Category)
		assert.Equal(t, original, string(letter.Content))
		assert.Equal(t, 1.0, b.metric(t, "aks_audit_log_reduced_events_total", "too_large"))
		assert.Equal(t, 1.0, b.metric(t, "aks_audit_log_dead_letters_total", "too_large"))
		assert.Equal(t, 2.0, b.metric(t, "aks_audit_log_records_total", "delivered"))
		assert.Zero(t, b.metric(t, "aks_audit_log_records_total", "dead_lettered"), "each record has one verdict")
	})
}

func TestAReducedEventWaitsUntilItsOriginalIsStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(1)
		stop := b.start(t)
		synctest.Wait()
		b.store.fail(errors.New("503"))
		b.hub.append("0", hubBody(auditRecord("kube-audit", tooLarge("responseObject"))))
		time.Sleep(time.Hour)
		assert.Empty(t, b.sink.all(), "the partition waits")
		_, known := b.store.checkpoint("0")
		assert.False(t, known)
		b.store.fail(nil)
		b.sink.await(1)
		stop()
		require.Len(t, b.store.letters, 1)
		assertPosition(t, b, 0)
	})
}

func TestTheOriginalOfAReducedEventThatTheSinkRefusesStaysWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(1)
		b.sink.outcomes = func(event forwarder.AuditEvent) forwarder.Outcome {
			if event.Reduced {
				return forwarder.Outcome{Verdict: forwarder.DeadLettered, Reason: "400 Bad Request"}
			}
			return forwarder.Outcome{Verdict: forwarder.Delivered}
		}
		original := withRequest(nested(400))
		b.hub.append("0", hubBody(auditRecord("kube-audit", original)))
		b.hub.append("0", oneEach("next")...)
		stop := b.start(t)
		b.sink.await(2)
		stop()
		require.Len(t, b.store.letters, 1)
		assert.Equal(t, original, string(b.store.letters[0].Content))
		assert.Equal(t, 1.0, b.metric(t, "aks_audit_log_records_total", "dead_lettered"))
		assertPosition(t, b, 1)
	})
}
