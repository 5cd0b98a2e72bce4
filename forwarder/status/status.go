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

// The states of a daemon, the worst that holds.
const (
	// StateWedged: /healthz asks for a restart.
	StateWedged = "wedged"
	// StateStopping: the shutdown has begun.
	StateStopping = "stopping"
	// StateNotReady: /readyz says why.
	StateNotReady = "not ready"
	// StateStandingBy: other replicas own all partitions.
	StateStandingBy = "standing by"
	// StateForwarding: it owns partitions, and nothing is wrong.
	StateForwarding = "forwarding"
)

// The states of a partition, as this replica sees them.
const ()

// Status is what the status page shows and /status.json answers. It holds no secret: nothing of
// the connection strings but the host, nothing of the sink's URL but scheme and host.
type Status struct {
	// Time is that of the answer, Started when the daemon began.
	Time    time.Time `json:"time"`
	Started time.Time `json:"started"`
	Version string    `json:"version"`
	// State is one of the State constants; Reason is what the probe says.
	State  string `json:"state"`
	Reason string `json:"reason"`
	// Replica is this replica's name among the owners; empty before the first balancing round.
	Replica       string `json:"replica"`
	HubHost       string `json:"hub_host"`
	Hub           string `json:"hub"`
	ConsumerGroup string `json:"consumer_group"`
	Sink          string `json:"sink"`
	// BalancingFailure is why the last balancing round did not work: the owners are then those of
	// the round before.
	BalancingFailure string `json:"balancing_failure,omitempty"`
	// Records counts records by verdict since the start, over all partitions.
	Records map[audit.Verdict]int64 `json:"records"`
	// LastAnswer is the sink's last, of any partition; nil before the first.
	LastAnswer *metrics.SinkAnswer `json:"last_answer"`
	Partitions []PartitionStatus   `json:"partitions"`
	// Troubles are the last warnings and errors, the newest first.
	Troubles []LogEntry `json:"troubles"`
}

// Overview gathers the status from what the parts of the daemon have told.
type Overview struct {
	cfg      forwarder.Config
	stats    *metrics.Statistics
	health   *health.Health
	troubles *RecentLog
	now      func() time.Time
	started  time.Time
}

// NewOverview returns the overview of a daemon that starts now, by the clock given.
func NewOverview(cfg forwarder.Config, stats *metrics.Statistics, health *health.Health, troubles *RecentLog, now func() time.Time) *Overview {
	return &Overview{cfg: cfg, stats: stats, health: health, troubles: troubles, now: now, started: now()}
}

// Status returns what is known at this moment.
func (o *Overview) Status() Status {
	owners := o.health.OwnerView()
	s := Status{
		Time: o.now().UTC(), Started: o.started.UTC(), Version: forwarder.Version,
		Replica: owners.Me, BalancingFailure: owners.Failed,
		HubHost: o.cfg.HubConnection.Host, Hub: o.cfg.HubName, ConsumerGroup: o.cfg.ConsumerGroup,
		Sink:       o.sink(),
		Records:    make(map[audit.Verdict]int64),
		Partitions: o.partitions(owners),
		Troubles:   o.recentLog(),
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
	return s
}

// sink is the sink's address without user, password, query, and path: some webhooks have a token
// in theirs.
func (o *Overview) sink() string {
	if o.cfg.SinkURL == nil {
		return ""
	}
	return o.cfg.SinkURL.Scheme + "://" + o.cfg.SinkURL.Host
}

// lastTroubles are those of the log, where the whole address of the sink may be named.
func (o *Overview) recentLog() []LogEntry {
	last := o.troubles.Last()
	for i := range last {
		last[i].Cause = strings.ReplaceAll(last[i].Cause, o.cfg.SinkAddress(), o.sink())
	}
	return last
}

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

// partitions returns the partitions of the hub and those that this replica ever owned, in the order of their numbers.
func (o *Overview) partitions(owners health.OwnerView) []PartitionStatus {
	counted := o.stats.Partitions()
	ids := make(map[string]bool)
	for id := range counted {
		ids[id] = true
	}
	for id := range owners.ByPartition {
		ids[id] = true
	}
	all := make([]PartitionStatus, 0, len(ids))
	for _, id := range slices.SortedFunc(maps.Keys(ids), natural.Compare) {
		all = append(all, partitionStatus(id, owners.ByPartition[id], owners.Me, counted[id], o.now()))
	}
	return all
}
