package e2e

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/e2e/harness"
)

// copied is the name of the series that counts skipped copies.
const copied = `aks_audit_log_skipped_records_total{category="copy"}`

// A cluster that writes kube-audit and kube-audit-admin, spread over the partitions.
func TestTheCopiesOfBothCategoriesReachFalcoOnce(t *testing.T) {
	t.Parallel()
	const partitions, events = 3, 30
	hub, f := harness.StartHub(t, partitions), harness.StartFalco(t)
	d := harness.StartDaemon(t, harness.BlobSettings(t, hub, harness.NewBlobs(t), f.URL))
	d.AwaitMetric(t, harness.PartitionsOwned, partitions)
	want := map[string]bool{}
	for n := range events {
		event := harness.AuditEvent("0", n)
		want[event] = true
		hub.Append(fmt.Sprint(n%partitions), harness.HubEvent(t, harness.RecordOf("kube-audit", event), harness.RecordOf("kube-audit", harness.AuditEvent("1", n))))
		want[harness.AuditEvent("1", n)] = true
	}
	f.Await(t, 2*events)
	d.AwaitMetric(t, harness.VerdictSeries("delivered"), 2*events)
	for n := range events {
		hub.Append(fmt.Sprint((n+1)%partitions), harness.HubEvent(t, harness.RecordOf("kube-audit-admin", harness.AuditEvent("0", n))))
	}
	d.AwaitMetric(t, copied, events)
	d.AwaitMetric(t, harness.VerdictSeries("skipped"), events)
	d.Stop(t)
	got := f.SeenJSON()
	assert.Len(t, got, 2*events)
	for _, event := range got {
		assert.True(t, want[event], event)
	}
}

func TestACopyOfAnEventThatFalcoLostIsNotAllThatWasSent(t *testing.T) {
	t.Parallel()
	hub, s := harness.StartHub(t, 2), harness.StartSink(t)
	event := harness.AuditEvent("0", 0)
	hub.Append("0", harness.AuditHubEvent(t, event))
	d := harness.StartDaemon(t, harness.BlobSettings(t, hub, harness.NewBlobs(t), s.URL).With(harness.Settings{"SINKSETTLETIME": "60s", "SHUTDOWNTIMEOUT": "2s"}))
	s.Await(t, 1)
	d.AwaitMetric(t, harness.VerdictSeries("delivered"), 1)
	hub.Append("1", harness.HubEvent(t, harness.RecordOf("kube-audit-admin", event)))
	d.AwaitMetric(t, copied, 1)
	require.Len(t, s.Accepted(), 1)
	s.CloseClientConnections() // as a Falco that dies with it
	got := s.Await(t, 2)
	assert.Equal(t, []string{event, event}, got)
}
