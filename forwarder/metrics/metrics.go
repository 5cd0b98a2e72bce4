package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/forwarder/audit"
)

// Statistics are all metrics of the daemon. Its methods are safe for concurrent use.
type Statistics struct {
	events, errors, success, retries prometheus.Counter

	records     *cachedCounters
	skipped     *cachedCounters
	deadLetters *cachedCounters
	salvaged    prometheus.Counter
	reduced     *cachedCounters

	posts     map[string]prometheus.Observer
	balancing prometheus.Counter
	replayed  prometheus.Counter
	splits    prometheus.Counter

	partitions *partitions
}

// The status classes of aks_audit_log_post_duration_seconds.
const statusError = "error"

func statusClasses() []string { return []string{"2xx", "3xx", "4xx", "5xx", statusError} }

// postBuckets reach from a Falco that is idle (0.2 ms) to one that answers only before the
// default POSTTIMEOUT ends.
func postBuckets() []float64 {
	return []float64{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60}
}

// NewStatistics registers all metrics with reg, those of Go and the process included, and
// returns them. version goes into aks_audit_log_build_info; now tells the time at a scrape. It
// panics where reg has them already, as prometheus.Registry does: a registry takes one.
func NewStatistics(reg *prometheus.Registry, version string, now func() time.Time) *Statistics {
	s := &Statistics{
		events:  inherited("falco_aks_audit_log_events", "Audit events handed to the sink, each once however often it is posted."),
		errors:  inherited("falco_aks_audit_log_events_errors", "Audit events that were given up on or whose retries were used up, each once."),
		success: inherited("falco_aks_audit_log_events_success", "Audit events that the sink answered with 2xx."),
		retries: inherited("falco_aks_audit_log_events_retry", "Audit events in POSTs that were repeats of one that failed."),
		balancing: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "aks_audit_log_balance_failures_total", Help: "Balancing rounds that did not work.",
		}),
		replayed: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "aks_audit_log_replayed_events_total",
			Help: "Audit events sent again because the sink that had accepted them was lost.",
		}),
		splits: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "aks_audit_log_split_batches_total", Help: "Batches that the sink refused and that were posted again in halves.",
		}),
		records: newCachedCounters("aks_audit_log_records_total",
			"Records of hub events, by what became of them.", "verdict", verdictLabels()),
		skipped: newCachedCounters("aks_audit_log_skipped_records_total",
			"Records that are not sent because they are no Kubernetes audit events, by their log category.", "category", audit.SkippedCategories()),
		deadLetters: newCachedCounters("aks_audit_log_dead_letters_total",
			"Records that can never be delivered, or not as they are, and were stored, by reason.", "reason", audit.DeadLetterReasons()),
		salvaged: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "aks_audit_log_salvaged_events_total", Help: "Audit events that were cut and went to the sink with what came before the cut.",
		}),
		reduced: newCachedCounters("aks_audit_log_reduced_events_total",
			"Audit events that went to the sink without parts of them, their originals stored as dead letters, by reason.",
			"reason", []string{audit.ReasonTooLarge, audit.ReasonTooDeep}),
		partitions: newPartitions(now),
	}
	durations := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "aks_audit_log_post_duration_seconds",
		Help:    "Time from the start of a POST to the end of its answer, by class of the answer's status.",
		Buckets: postBuckets(),
	}, []string{"status_class"})
	s.posts = make(map[string]prometheus.Observer)
	for _, class := range statusClasses() {
		s.posts[class] = durations.WithLabelValues(class)
	}
	reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		buildInfoMetric(version), s.events, s.errors, s.success, s.retries, s.balancing, s.replayed, s.splits, durations,
		s.records.vec, s.skipped.vec, s.deadLetters.vec, s.salvaged, s.reduced.vec)
	s.partitions.register(reg)
	return s
}

// inherited is a counter under its predecessors' name, which dashboards depend on.
func inherited(name, help string) prometheus.Counter {
	return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
}

func buildInfoMetric(version string) prometheus.Collector {
	_, revision, goVersion := forwarder.BuildInfo()
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name:        "aks_audit_log_build_info",
		Help:        "Always 1; its labels say which build this is.",
		ConstLabels: prometheus.Labels{"version": version, "revision": revision, "goversion": goVersion},
	})
	info.Set(1)
	return info
}

func verdictLabels() []string {
	var labels []string
	for _, v := range audit.Verdicts() {
		labels = append(labels, string(v))
	}
	return labels
}

// EventsSent counts audit events handed to the sink, each once however often it is posted.
func (s *Statistics) EventsSent(n int) { s.events.Add(float64(n)) }

// EventsSucceeded counts audit events that the sink answered with 2xx.
func (s *Statistics) EventsSucceeded(n int) { s.success.Add(float64(n)) }

// EventsFailed counts audit events that were given up on or whose retries were used up. Call
// it once per event.
func (s *Statistics) EventsFailed(n int) { s.errors.Add(float64(n)) }

// EventsReplayed counts audit events that were delivered again after the sink was lost. EventsSent and EventsSucceeded
// count them too, each time.
func (s *Statistics) EventsReplayed(n int) { s.replayed.Add(float64(n)) }

// EventsRetried counts the audit events in a POST that repeats one that failed.
func (s *Statistics) EventsRetried(n int) { s.retries.Add(float64(n)) }

// BatchSplit counts a batch that the sink refused and that is posted again in halves.
func (s *Statistics) BatchSplit() { s.splits.Inc() }

// PostFinished records how long one POST took. statusClass is "2xx", "3xx", "4xx", "5xx", or
// "error" where there was no answer; anything else counts as "error".
func (s *Statistics) PostFinished(statusClass string, d time.Duration) {
	observer, ok := s.posts[statusClass]
	if !ok {
		observer = s.posts[statusError]
	}
	observer.Observe(d.Seconds())
}

// RecordsDone counts records that got their verdict. RecordSkipped and RecordDeadLettered do so
// themselves.
func (s *Statistics) RecordsDone(v audit.Verdict, n int) { s.records.add(string(v), "", n) }

// RecordSkipped counts a record that is no audit event, by its log category: empty counts as
// "none", one that AKS does not have as "other". It counts the verdict too.
func (s *Statistics) RecordSkipped(category string) {
	if category == "" {
		category = audit.CategoryNone
	}
	s.skipped.inc(category, audit.CategoryOther)
	s.RecordsDone(audit.Skipped, 1)
}

// RecordDeadLettered counts a record that was stored as a dead letter, by one of the Reason
// constants; anything else counts as "other". It counts the verdict too.
func (s *Statistics) RecordDeadLettered(reason string) {
	s.deadLetters.inc(reason, audit.ReasonOther)
	s.RecordsDone(audit.DeadLettered, 1)
}

// EventRepaired counts an audit event that was cut and goes to the sink with what came before the cut.
func (s *Statistics) EventRepaired() { s.salvaged.Inc() }

// EventTruncated counts an audit event whose original was stored as a dead letter, and that goes to
// the sink without parts of it. reason is ReasonTooLarge or ReasonTooDeep. It counts no verdict:
// that is the sink's.
func (s *Statistics) EventTruncated(reason string) {
	s.deadLetters.inc(reason, audit.ReasonOther)
	s.reduced.inc(reason, audit.ReasonTooLarge)
}

// BalanceFailed counts a balancing round that did not work.
func (s *Statistics) BalanceFailed() { s.balancing.Inc() }

// Partition returns the metrics of one partition.
func (s *Statistics) Partition(id string) *Partition { return s.partitions.partition(id) }

// Partitions returns the metrics of every partition that this replica has owned, by its id.
func (s *Statistics) Partitions() map[string]*Partition { return s.partitions.all() }
