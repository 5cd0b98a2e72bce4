package metrics

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// intermediary is the proxy between the daemon and Falco, if one was seen.
type intermediary struct {
	vec  *prometheus.GaugeVec
	name atomic.Pointer[string]
}

func newIntermediary() *intermediary {
	return &intermediary{vec: prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "aks_audit_log_sink_intermediary_info",
		Help: "1 if the connection to the sink ends at a proxy, which the label names, and not at Falco.",
	}, []string{"name"})}
}

// SinkIntermediary records what answers in place of Falco. Only the first name counts, so that there is one series.
func (s *Statistics) SinkIntermediary(name string) {
	if s.between.name.CompareAndSwap(nil, &name) {
		s.between.vec.WithLabelValues(name).Set(1)
	}
}

// Intermediary returns the name of what answers in place of Falco, or "" if nothing was seen to.
func (s *Statistics) Intermediary() string {
	if name := s.between.name.Load(); name != nil {
		return *name
	}
	return ""
}
