package e2e

import (
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTheRealHubEventReachesFalcoAsItsAuditEventsInOrder(t *testing.T) {
	t.Parallel()
	body, auditEvents := realHubEvent(t)
	var want []string
	for _, event := range auditEvents {
		want = append(want, asFalcoHasIt(t, event))
	}
	hub, f := startHub(t, 1), startFalco(t)
	hub.Append("0", body)
	d := startDaemon(t, blobSettings(t, hub, newContainer(t), f.url))
	f.await(t, len(want))
	d.awaitMetric(t, verdicts("delivered"), float64(len(want)))
	d.stop(t)
	require.Equal(t, want, f.seenJSON())
	for i, event := range f.seen() {
		assert.Contains(t, event.JSON, event.Timestamp.Format(`"stageTimestamp":"2006-01-02T15:04:05.000000Z"`), "audit event %d", i)
	}
}

func TestTheRealHubEventIsPostedByteForByte(t *testing.T) {
	t.Parallel()
	body, want := realHubEvent(t)
	hub, s := startHub(t, 1), startSink(t)
	hub.Append("0", body)
	d := startDaemon(t, blobSettings(t, hub, newContainer(t), s.URL+"/k8s-audit"))
	s.await(t, len(want))
	d.awaitMetric(t, verdicts("delivered"), float64(len(want)))
	d.stop(t)
	require.Equal(t, want, s.accepted())
	assert.Equal(t, "/k8s-audit", s.lastRequest().URL.Path)
	assert.Equal(t, "application/json", s.lastRequest().Header.Get("Content-Type"))
}

func TestRealAuditEventsThatRaiseFalcosRulesReachIt(t *testing.T) {
	t.Parallel()
	files := realAuditEvents(t)
	hub, f := startHub(t, 1), startFalco(t)
	var want []string
	for _, name := range slices.Sorted(maps.Keys(files)) {
		hub.Append("0", auditHubEvent(t, files[name]...))
		for _, event := range files[name] {
			want = append(want, asFalcoHasIt(t, event))
		}
	}
	d := startDaemon(t, blobSettings(t, hub, newContainer(t), f.url))
	f.await(t, len(want))
	d.stop(t)
	require.Equal(t, want, f.seenJSON())
}

func TestEveryAuditEventOfFourPartitionsReachesFalcoOnceAndInOrder(t *testing.T) {
	t.Parallel()
	hub, f := startHub(t, 4), startFalco(t)
	fed := newFeed(hub)
	fed.add(t, 25, 7) // some stand in the hub before the daemon starts
	d := startDaemon(t, blobSettings(t, hub, newContainer(t), f.url))
	d.awaitMetric(t, partitionsOwned, 4)
	fed.add(t, 25, 7) // the others come while it runs
	f.await(t, fed.total())
	d.awaitMetric(t, verdicts("delivered"), float64(fed.total()))
	assert.InDelta(t, fed.total(), d.metric(t, "falco_aks_audit_log_events_success"), 0)
	assert.InDelta(t, 0, d.metric(t, "falco_aks_audit_log_events_errors"), 0)
	d.stop(t)
	fed.assertOnceInOrder(t, f.seenJSON())
}
