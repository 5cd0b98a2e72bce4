package metrics

import (
	"cmp"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/forwarder/audit"
)

// Statistics holds all metrics of the daemon. Its methods are safe for concurrent use.
type Statistics struct {
	now func() time.Time

	// sent, failed, succeeded and retried have the predecessors' names, on which dashboards depend.
	sent, failed, succeeded, retried *predecessorCounter

	records     *knownCounters
	skipped     *knownCounters
	deadLetters *knownCounters
	repaired    prometheus.Counter
	truncated   *knownCounters

	// posts has the durations of POSTs by status class.
	posts           map[string]prometheus.Observer
	ages            prometheus.Histogram
	splits          prometheus.Counter
	replayed        prometheus.Counter
	balanceFailures prometheus.Counter

	partitions *partitions
	clusters   *clusters
	between    *intermediary
	backlog    atomic.Pointer[Backlog]
}

// NewStatistics returns the metrics and registers them with reg, together with those of Go and of the process. version
// is a label of aks_audit_log_build_info. now returns the current time. NewStatistics panics if reg has the metrics
// already, because a registry takes a metric only once.
func NewStatistics(reg *prometheus.Registry, version string, now func() time.Time) *Statistics {
	s := &Statistics{
		now: now,

		sent:      newPredecessorCounter("falco_aks_audit_log_events", "Audit events handed to the sink, each once however often it is posted."),
		failed:    newPredecessorCounter("falco_aks_audit_log_events_errors", "Audit events that were given up on or whose retries were used up, each once."),
		succeeded: newPredecessorCounter("falco_aks_audit_log_events_success", "Audit events that the sink answered with 2xx."),
		retried:   newPredecessorCounter("falco_aks_audit_log_events_retry", "Audit events in POSTs that were repeats of one that failed."),

		records: newKnownCounters("aks_audit_log_records_total", "Records of hub events, by verdict.",
			"verdict", "", verdictLabels()),
		skipped: newKnownCounters("aks_audit_log_skipped_records_total",
			"Records that are not sent because they are no Kubernetes audit events, by their log category.",
			"category", audit.CategoryOther, audit.SkippedCategories()),
		deadLetters: newKnownCounters("aks_audit_log_dead_letters_total",
			"Records stored as dead letters because they cannot be delivered, or only truncated, by reason.",
			"reason", audit.ReasonOther, audit.DeadLetterReasons()),
		repaired: newCounter("aks_audit_log_salvaged_events_total",
			"Audit events that arrived cut off and were sent to the sink with the part before the cut."),
		truncated: newKnownCounters("aks_audit_log_reduced_events_total",
			"Audit events that went to the sink without parts of them, their originals stored as dead letters, by reason.",
			"reason", audit.ReasonTooLarge, []string{audit.ReasonTooLarge, audit.ReasonTooDeep, audit.ReasonTooManyValues}),

		posts:  make(map[string]prometheus.Observer),
		ages:   newEventAges(),
		splits: newCounter("aks_audit_log_split_batches_total", "Batches that the sink refused and that were posted again in halves."),
		replayed: newCounter("aks_audit_log_replayed_events_total",
			"Audit events sent again because the connection to the sink was lost before they were confirmed."),
		balanceFailures: newCounter("aks_audit_log_balance_failures_total", "Balancing rounds that failed."),

		partitions: newPartitions(now),
		clusters:   newClusters(),
		between:    newIntermediary(),
	}
	durations := newPostDurations()
	for _, class := range statusClasses() {
		s.posts[class] = durations.WithLabelValues(class)
	}
	reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		buildInfoMetric(version), s.sent, s.failed, s.succeeded, s.retried,
		s.records.vec, s.skipped.vec, s.deadLetters.vec, s.repaired, s.truncated.vec,
		durations, s.ages, s.splits, s.replayed, s.balanceFailures, s.clusters, s.between.vec)
	s.partitions.register(reg)
	reg.MustRegister(s.newCatchUp())
	return s
}

func newPostDurations() *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "aks_audit_log_post_duration_seconds",
		Help:    "Time from the start of a POST to the end of its answer, by class of the answer's status.",
		Buckets: postBuckets(),
	}, []string{"status_class"})
}

// statusError is the status class of a POST without an answer.
const statusError = "error"

func statusClasses() []string { return []string{"2xx", "3xx", "4xx", "5xx", statusError} }

// postBuckets returns the upper bounds of the durations in seconds. An idle Falco answers in 0.2 ms; the slowest
// answer comes just before the default POSTTIMEOUT.
func postBuckets() []float64 {
	return []float64{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60}
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

// EventsSent counts audit events handed to the sink. An event counts once, even if it is posted several times; a
// redelivery counts again.
func (s *Statistics) EventsSent(n int) { s.sent.add(n) }

// EventsSucceeded counts audit events that the sink answered with 2xx. A redelivery counts again.
func (s *Statistics) EventsSucceeded(n int) { s.succeeded.add(n) }

// EventsFailed counts audit events that were given up or whose retries were used up. Call it once per event.
func (s *Statistics) EventsFailed(n int) { s.failed.add(n) }

// EventsReplayed counts audit events of hub events received before that were delivered again after a loss of the sink.
// EventsSent, EventsSucceeded and RecordsDone count them too, each time.
func (s *Statistics) EventsReplayed(n int) { s.replayed.Add(float64(n)) }

// EventsRetried counts the audit events in a POST that repeats a failed POST.
func (s *Statistics) EventsRetried(n int) { s.retried.add(n) }

// BatchSplit counts a batch that was refused and is posted again in halves.
func (s *Statistics) BatchSplit() { s.splits.Inc() }

// PostFinished records the duration of a POST. statusClass is "2xx", "3xx", "4xx", "5xx", or "error" if there was no
// answer. Any other class counts as "error".
func (s *Statistics) PostFinished(statusClass string, d time.Duration) {
	observer, ok := s.posts[statusClass]
	if !ok {
		observer = s.posts[statusError]
	}
	observer.Observe(d.Seconds())
}

// RecordsDone counts records by verdict. RecordSkipped and RecordDeadLettered call it.
func (s *Statistics) RecordsDone(v audit.Verdict, n int) { s.records.add(string(v), n) }

// RecordSkipped counts a record that is not an audit event, by its log category, and its verdict. An empty category
// counts as "none", and one that AKS does not have as "other".
func (s *Statistics) RecordSkipped(category string) {
	s.skipped.add(cmp.Or(category, audit.CategoryNone), 1)
	s.RecordsDone(audit.Skipped, 1)
}

// RecordDeadLettered counts a record that was stored as a dead letter, by a Reason constant of package audit, and its
// verdict. Any other reason counts as "other".
func (s *Statistics) RecordDeadLettered(reason string) {
	s.deadLetters.add(reason, 1)
	s.RecordsDone(audit.DeadLettered, 1)
}

// EventRepaired counts an audit event that AKS cut. Its part before the cut goes to the sink.
func (s *Statistics) EventRepaired() { s.repaired.Inc() }

// EventTruncated counts an audit event that goes to the sink without parts of it, and its original, stored as a dead
// letter. reason is ReasonTooLarge, ReasonTooDeep or ReasonTooManyValues. The verdict is counted when the sink has
// answered.
func (s *Statistics) EventTruncated(reason string) {
	s.deadLetters.add(reason, 1)
	s.truncated.add(reason, 1)
}

// BalanceFailed counts a balancing round that failed.
func (s *Statistics) BalanceFailed() { s.balanceFailures.Inc() }

// Partition returns the metrics of one partition.
func (s *Statistics) Partition(id string) *Partition { return s.partitions.partition(id) }

// Partitions returns the metrics of every partition that this replica has ever owned, by partition id.
func (s *Statistics) Partitions() map[string]*Partition { return s.partitions.all() }
