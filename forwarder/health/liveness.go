package health

import (
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Watch has Alive report, from now on, a consumer that gets nowhere for the timeout: one whose
// questions the hub does not answer, or one with a partition that has hub events to read and
// reads none. A timeout of 0 leaves the watchdog off. now tells the time; that of time.Now, which
// does not follow a clock that is set, is meant.
func (h *Health) Watch(timeout time.Duration, now func() time.Time) { h.watchdog.begin(timeout, now) }

// HubAnswered records that the hub has answered a question.
func (h *Health) HubAnswered() { h.watchdog.hubAnswered() }

// PartitionLag records how many hub events of a partition have no verdict yet.
func (h *Health) PartitionLag(partition string, events int64) { h.watchdog.lags(partition, events) }

// Handling records that a hub event of the partition is being worked on, and that the hub has
// done its part therefore, until the function that it returns is called.
func (h *Health) Handling(partition string) (done func()) {
	h.watchdog.handling(partition)
	return func() { h.watchdog.handled(partition) }
}

// Alive reports whether the consumer gets anywhere, and in words what does not. Where it does
// not, only a new process can help: it has tried by itself to connect again for all that time. A
// daemon that is being stopped is alive, so that it is given the time to end in good order.
func (h *Health) Alive() (bool, string) {
	h.mu.Lock()
	stopping := h.stopping
	h.mu.Unlock()
	if reasons := h.watchdog.wedged(); len(reasons) > 0 && !stopping {
		return false, "wedged: " + strings.Join(reasons, "; ")
	}
	return true, "ok"
}

// Register has reg show what the probes answer, and what that depends on, as metrics.
func (h *Health) Register(reg prometheus.Registerer) {
	gauge := func(name, help string, value func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value)
	}
	reg.MustRegister(
		gauge("aks_audit_log_ready", "1 while /readyz answers 200, else 0.", asNumber(h.Ready)),
		gauge("aks_audit_log_healthy", "1 while /healthz answers 200, else 0.", asNumber(h.Alive)),
		gauge("aks_audit_log_partitions", "Partitions of the hub, whoever owns them; 0 before that is known.", h.partitions),
		gauge("aks_audit_log_sink_failing_partitions", "Owned partitions whose last POST was not accepted.", h.sinkFailing),
	)
}

func asNumber(holds func() (bool, string)) func() float64 {
	return func() float64 {
		if ok, _ := holds(); ok {
			return 1
		}
		return 0
	}
}

func (h *Health) partitions() float64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return float64(h.total)
}

func (h *Health) sinkFailing() float64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return float64(len(h.sink))
}
