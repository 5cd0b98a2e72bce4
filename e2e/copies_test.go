package e2e

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// copied is the name of the series that counts skipped copies.
const copied = `aks_audit_log_skipped_records_total{category="copy"}`

// A cluster that writes kube-audit and kube-audit-admin, spread over the partitions.
func TestTheCopiesOfBothCategoriesReachFalcoOnce(t *testing.T) {
	t.Parallel()
	const partitions, events = 3, 30
	hub, f := startHub(t, partitions), startFalco(t)
	d := startDaemon(t, blobSettings(t, hub, newContainer(t), f.url))
	d.awaitMetric(t, partitionsOwned, partitions)
	want := map[string]bool{}
	for n := range events {
		event := auditEvent("0", n)
		want[event] = true
		hub.Append(fmt.Sprint(n%partitions), hubEvent(t, recordOf("kube-audit", event), recordOf("kube-audit", auditEvent("1", n))))
		want[auditEvent("1", n)] = true
	}
	f.await(t, 2*events)
	d.awaitMetric(t, verdicts("delivered"), 2*events)
	for n := range events {
		hub.Append(fmt.Sprint((n+1)%partitions), hubEvent(t, recordOf("kube-audit-admin", auditEvent("0", n))))
	}
	d.awaitMetric(t, copied, events)
	d.awaitMetric(t, verdicts("skipped"), events)
	d.stop(t)
	got := f.seenJSON()
	assert.Len(t, got, 2*events)
	for _, event := range got {
		assert.True(t, want[event], event)
	}
}

func TestACopyOfAnEventThatFalcoLostIsNotAllThatWasSent(t *testing.T) {
	t.Parallel()
	hub, s := startHub(t, 2), startSink(t)
	event := auditEvent("0", 0)
	hub.Append("0", auditHubEvent(t, event))
	d := startDaemon(t, blobSettings(t, hub, newContainer(t), s.URL).with(settings{"SINKSETTLETIME": "60s", "SHUTDOWNTIMEOUT": "2s"}))
	s.await(t, 1)
	d.awaitMetric(t, verdicts("delivered"), 1)
	hub.Append("1", hubEvent(t, recordOf("kube-audit-admin", event)))
	d.awaitMetric(t, copied, 1)
	require.Len(t, s.accepted(), 1)
	s.CloseClientConnections() // as a Falco that dies with it
	got := s.await(t, 2)
	assert.Equal(t, []string{event, event}, got)
}
