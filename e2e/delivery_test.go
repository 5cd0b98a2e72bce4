package e2e

import (
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/e2e/harness"
)

func TestTheRealHubEventReachesFalcoAsItsAuditEventsInOrder(t *testing.T) {
	t.Parallel()
	body, auditEvents := harness.RealHubEvent(t)
	var want []string
	for _, event := range auditEvents {
		want = append(want, harness.AsFalcoSees(t, event))
	}
	hub, f := harness.StartHub(t, 1), harness.StartFalco(t)
	hub.Append("0", body)
	d := harness.StartDaemon(t, harness.BlobSettings(t, hub, harness.NewBlobs(t), f.URL))
	f.Await(t, len(want))
	d.AwaitMetric(t, harness.VerdictSeries("delivered"), float64(len(want)))
	d.Stop(t)
	require.Equal(t, want, f.SeenJSON())
	for i, event := range f.Seen() {
		assert.Contains(t, event.JSON, event.Timestamp.Format(`"stageTimestamp":"2006-01-02T15:04:05.000000Z"`), "audit event %d", i)
	}
}

func TestTheRealHubEventIsPostedByteForByte(t *testing.T) {
	t.Parallel()
	body, want := harness.RealHubEvent(t)
	hub, s := harness.StartHub(t, 1), harness.StartSink(t)
	hub.Append("0", body)
	d := harness.StartDaemon(t, harness.BlobSettings(t, hub, harness.NewBlobs(t), s.URL+"/k8s-audit"))
	s.Await(t, len(want))
	d.AwaitMetric(t, harness.VerdictSeries("delivered"), float64(len(want)))
	d.Stop(t)
	require.Equal(t, want, s.Accepted())
	assert.Equal(t, "/k8s-audit", s.LastRequest().URL.Path)
	assert.Equal(t, "application/json", s.LastRequest().Header.Get("Content-Type"))
}

func TestRealAuditEventsThatRaiseFalcosRulesReachIt(t *testing.T) {
	t.Parallel()
	files := harness.RealAuditEvents(t)
	hub, f := harness.StartHub(t, 1), harness.StartFalco(t)
	var want []string
	for _, name := range slices.Sorted(maps.Keys(files)) {
		hub.Append("0", harness.AuditHubEvent(t, files[name]...))
		for _, event := range files[name] {
			want = append(want, harness.AsFalcoSees(t, event))
		}
	}
	d := harness.StartDaemon(t, harness.BlobSettings(t, hub, harness.NewBlobs(t), f.URL))
	f.Await(t, len(want))
	d.Stop(t)
	require.Equal(t, want, f.SeenJSON())
}

func TestEveryAuditEventOfFourPartitionsReachesFalcoOnceAndInOrder(t *testing.T) {
	t.Parallel()
	hub, f := harness.StartHub(t, 4), harness.StartFalco(t)
	fed := harness.NewFeed(hub)
	fed.Add(t, 25, 7) // some are in the hub before the daemon starts
	d := harness.StartDaemon(t, harness.BlobSettings(t, hub, harness.NewBlobs(t), f.URL))
	d.AwaitMetric(t, harness.PartitionsOwned, 4)
	fed.Add(t, 25, 7) // the others arrive while it runs
	f.Await(t, fed.Total())
	d.AwaitMetric(t, harness.VerdictSeries("delivered"), float64(fed.Total()))
	assert.InDelta(t, fed.Total(), d.Metric(t, "falco_aks_audit_log_events_success"), 0)
	assert.InDelta(t, 0, d.Metric(t, "falco_aks_audit_log_events_errors"), 0)
	d.Stop(t)
	fed.AssertOnceInOrder(t, f.SeenJSON())
}
