package status

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/maruel/natural"

	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/forwarder/audit"
	"aks-audit-log-go/forwarder/health"
	"aks-audit-log-go/forwarder/metrics"
)

// The states of a daemon, from the worst to the best. The worst that applies is shown.
const (
	// StateWedged means that /healthz asks for a restart.
	StateWedged = "wedged"
	// StateStopping means that the shutdown has begun.
	StateStopping = "stopping"
	// StateNotReady means that /readyz says why the daemon is not ready.
	StateNotReady = "not ready"
	// StateStandingBy means that other replicas own all partitions.
	StateStandingBy = "standing by"
	// StateForwarding means that the daemon owns partitions and nothing is wrong.
	StateForwarding = "forwarding"
)

// Status is the answer of /status.json, which the status page shows. It holds no secret: only the host of the
// connection strings, and only scheme and host of the sink's URL.
type Status struct {
	Time    time.Time `json:"time"`
	Started time.Time `json:"started"`
	Version string    `json:"version"`
	State   string    `json:"state"`
	// Summary answers an operator's first questions.
	Summary Summary `json:"summary"`
	// Reason is the text of the probe that State follows.
	Reason string `json:"reason"`
	// Replica is the name of this replica among the owners, empty before the first balancing round.
	Replica       string `json:"replica"`
	HubHost       string `json:"hub_host"`
	Hub           string `json:"hub"`
	ConsumerGroup string `json:"consumer_group"`
	Sink          string `json:"sink"`
	// SinkIntermediary is what answers in place of Falco, or empty.
	SinkIntermediary string `json:"sink_intermediary,omitempty"`
	// SinkProxy says that an HTTP proxy is on the way to the sink, and what to do. It is empty if there is none.
	SinkProxy string `json:"sink_proxy,omitempty"`
	// BalancingFailure is why the last balancing round failed, or empty. The owners are then those of the round
	// before.
	BalancingFailure string `json:"balancing_failure,omitempty"`
	// Records counts records by verdict since the start, over all partitions.
	Records map[audit.Verdict]int64 `json:"records"`
	// LastAnswer is the sink's last answer to any partition, nil before the first.
	LastAnswer *metrics.SinkAnswer `json:"last_answer"`
	// Backlog is how far this replica is behind the hub, nil while no hub event waits for more than a minute.
	Backlog    *metrics.Backlog  `json:"backlog"`
	Partitions []PartitionStatus `json:"partitions"`
	// Clusters are those of which this replica has read a record.
	Clusters []ClusterStatus `json:"clusters"`
	// RecentLog holds the last warnings and errors, the newest first.
	RecentLog []LogEntry `json:"troubles"`
}

// Overview makes the status from the metrics, the health and the recent log of the daemon.
type Overview struct {
	cfg     forwarder.Config
	stats   *metrics.Statistics
	health  *health.Health
	log     *RecentLog
	now     func() time.Time
	started time.Time
}

// NewOverview returns the overview of a daemon that starts now. now returns the current time.
func NewOverview(cfg forwarder.Config, stats *metrics.Statistics, health *health.Health, log *RecentLog,
	now func() time.Time,
) *Overview {
	return &Overview{cfg: cfg, stats: stats, health: health, log: log, now: now, started: now()}
}

// Status returns the current status.
func (o *Overview) Status() Status {
	owners := o.health.OwnerView()
	s := Status{
		Time: o.now().UTC(), Started: o.started.UTC(), Version: forwarder.Version,
		Replica: owners.Replica, BalancingFailure: owners.RoundFailure,
		HubHost: o.cfg.HubConnection.Host, Hub: o.cfg.HubName, ConsumerGroup: o.cfg.ConsumerGroup,
		Sink: o.sink(), SinkIntermediary: o.stats.Intermediary(), SinkProxy: o.health.Remarks().Proxy,
		Backlog:    o.stats.Backlog(),
		Records:    make(map[audit.Verdict]int64),
		Partitions: o.partitions(owners),
		Clusters:   clusterStatuses(o.stats.Clusters()),
		RecentLog:  o.recentLog(),
	}
	s.State, s.Reason = o.state(owners)
	for _, verdict := range audit.Verdicts() {
		s.Records[verdict] = 0
	}
	for _, p := range s.Partitions {
		for verdict, n := range p.Records {
			s.Records[verdict] += n
		}
		if p.LastAnswer != nil && (s.LastAnswer == nil || p.LastAnswer.At.After(s.LastAnswer.At)) {
			s.LastAnswer = p.LastAnswer
		}
	}
	s.Summary = o.summary(s)
	return s
}

// sink returns scheme and host of the sink's URL. Other parts can hold secrets: some webhooks have a token in the
// path.
func (o *Overview) sink() string {
	if o.cfg.SinkURL == nil {
		return ""
	}
	return o.cfg.SinkURL.Scheme + "://" + o.cfg.SinkURL.Host
}

// recentLog returns the entries of the recent log. It replaces the sink's URL by sink, because the log may show the
// path.
func (o *Overview) recentLog() []LogEntry {
	entries := o.log.Entries()
	for i := range entries {
		entries[i].Cause = strings.ReplaceAll(entries[i].Cause, o.cfg.SinkAddress(), o.sink())
	}
	return entries
}

// state returns the worst state that applies, and the text of the probe that it follows.
func (o *Overview) state(owners health.OwnerView) (state, reason string) {
	alive, wedged := o.health.Alive()
	ready, reason := o.health.Ready()
	switch {
	case !alive:
		return StateWedged, wedged
	case o.health.IsStopping():
		return StateStopping, reason
	case !ready:
		return StateNotReady, reason
	case owners.Owned == 0:
		return StateStandingBy, reason
	default:
		return StateForwarding, reason
	}
}

// partitions returns the status of each partition of the hub, and of each that this replica has ever owned, in the
// order of their numbers.
func (o *Overview) partitions(owners health.OwnerView) []PartitionStatus {
	counted := o.stats.Partitions()
	ids := slices.AppendSeq(slices.Collect(maps.Keys(counted)), maps.Keys(owners.ByPartition))
	slices.SortFunc(ids, natural.Compare)
	ids = slices.Compact(ids)
	failures := o.health.Failures()
	all := make([]PartitionStatus, 0, len(ids))
	for _, id := range ids {
		p := partitionStatus(id, owners.ByPartition[id], owners.Replica, counted[id], o.now())
		p.setCondition(failures.Reading[id], failures.Posting[id], o.now())
		all = append(all, p)
	}
	return all
}
