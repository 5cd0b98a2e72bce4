package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

func newEventAges() prometheus.Histogram {
	return prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "aks_audit_log_accepted_event_age_seconds",
		Help: "Time from the stageTimestamp of an audit event until the sink accepted it, of a sample: at most one audit event " +
			"of each POST, the first of a hub event.",
		Buckets: ageBuckets(),
	})
}

// ageBuckets returns the upper bounds of the ages in seconds. AKS delivers an audit event seconds to minutes late, and
// a backlog adds hours: AksAuditLogFarBehind fires at six.
func ageBuckets() []float64 {
	return []float64{0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600}
}

// EventAccepted records the age of an audit event that the sink has just accepted. staged is when the API server wrote
// it. A time in the future counts as age 0, because clocks differ. The zero time means unknown and is ignored.
func (s *Statistics) EventAccepted(staged time.Time) {
	if !staged.IsZero() {
		s.ages.Observe(max(s.now().Sub(staged), 0).Seconds())
	}
}
