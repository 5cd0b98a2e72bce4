package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"aks-audit-log-go/e2e/harness"
)

// withStage returns an audit event that the API server wrote at a time.
func withStage(n int, at time.Time) string {
	return strings.Replace(harness.AuditEvent("0", n), `"stageTimestamp":"2026-01-02T03:04:05.678901Z"`,
		`"stageTimestamp":"`+at.UTC().Format("2006-01-02T15:04:05.000000Z")+`"`, 1)
}

func TestTheAgeOfAnAuditEventIsInItsBucket(t *testing.T) {
	t.Parallel()
	hub, s := harness.StartHub(t, 1), harness.StartSink(t)
	d := harness.StartDaemon(t, harness.BlobSettings(t, hub, harness.NewBlobs(t), s.URL))
	d.AwaitReady(t)
	const series = "aks_audit_log_accepted_event_age_seconds"
	upTo := func(bound string) float64 { return d.Metric(t, series+`_bucket{le="`+bound+`"}`) }
	assert.Zero(t, d.Metric(t, series+"_count"), "the metric is there from the start")
	for n, test := range []struct {
		age       time.Duration
		over, top string
	}{
		{20 * time.Minute, "900", "1800"},
		{-time.Hour, "", "0.1"}, // the API server's clock is ahead
		{24 * time.Hour, "21600", "+Inf"},
	} {
		over := 0.0
		if test.over != "" {
			over = upTo(test.over)
		}
		top := upTo(test.top)
		hub.Append("0", harness.AuditHubEvent(t, withStage(n, time.Now().Add(-test.age)), withStage(100+n, time.Now())))
		d.AwaitMetric(t, series+"_count", float64(n+1))
		assert.InDelta(t, top+1, upTo(test.top), 0, "%v is at most %s s", test.age, test.top)
		if test.over != "" {
			assert.InDelta(t, over, upTo(test.over), 0, "%v is more than %s s", test.age, test.over)
		}
	}
	d.Stop(t)
}
