package forwarder

import (
	"strings"
	"time"
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
const (
	// PartitionHere: this replica owns it.
	PartitionHere = "here"
	// PartitionElsewhere: another replica owns it, or another reader of the consumer group.
	PartitionElsewhere = "elsewhere"
	// PartitionUnowned: nobody owned it in the last balancing round.
	PartitionUnowned = "unowned"
	// PartitionGivenUp: this replica has let it go since; who has it now the next round tells.
	PartitionGivenUp = "given up"
)

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
	Records map[Verdict]int64 `json:"records"`
	// LastAnswer is the sink's last, of any partition; nil before the first.
	LastAnswer *SinkAnswer       `json:"last_answer"`
	Partitions []PartitionStatus `json:"partitions"`
	// Troubles are the last warnings and errors, the newest first.
	Troubles []Trouble `json:"troubles"`
}

// PartitionStatus is what is known of a partition. Position, lag and age are known only while
// this replica owns it.
type PartitionStatus struct {
	ID string `json:"id"`
	// State is one of the Partition constants.
	State string `json:"state"`
	Owner string `json:"owner"`
	// Position is the sequence number up to which all hub events have their verdict.
	Position *int64 `json:"position"`
	// LagEvents is how many hub events are still to be handled.
	LagEvents *int64 `json:"lag_events"`
	// AgeSeconds is the time since the newest hub event was enqueued whose records all have their verdict.
	AgeSeconds *float64          `json:"age_seconds"`
	Records    map[Verdict]int64 `json:"records"`
	LastAnswer *SinkAnswer       `json:"last_answer"`
}

// Overview gathers the status from what the parts of the daemon have told.
type Overview struct {
	cfg      Config
	stats    *Statistics
	health   *Health
	troubles *Troubles
	now      func() time.Time
	started  time.Time
}

// NewOverview returns the overview of a daemon that starts now, by the clock given.
func NewOverview(cfg Config, stats *Statistics, health *Health, troubles *Troubles, now func() time.Time) *Overview {
	return &Overview{cfg: cfg, stats: stats, health: health, troubles: troubles, now: now, started: now()}
}

// Status returns what is known at this moment.
func (o *Overview) Status() Status {
	owners := o.health.ownerView()
	s := Status{
		Time: o.now().UTC(), Started: o.started.UTC(), Version: Version,
		Replica: owners.me, BalancingFailure: owners.failed,
		HubHost: o.cfg.HubConnection.Host, Hub: o.cfg.HubName, ConsumerGroup: o.cfg.ConsumerGroup,
		Sink:       o.sink(),
		Records:    make(map[Verdict]int64),
		Partitions: o.partitions(owners),
		Troubles:   o.lastTroubles(),
	}
	s.State, s.Reason = o.state(owners)
	for _, verdict := range Verdicts() {
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
func (o *Overview) lastTroubles() []Trouble {
	last := o.troubles.Last()
	for i := range last {
		last[i].Cause = strings.ReplaceAll(last[i].Cause, o.cfg.SinkAddress(), o.sink())
	}
	return last
}

func (o *Overview) state(owners ownerView) (state, reason string) {
	alive, wedged := o.health.Alive()
	ready, reason := o.health.Ready()
	switch {
	case !alive:
		return StateWedged, wedged
	case o.health.isStopping():
		return StateStopping, reason
	case !ready:
		return StateNotReady, reason
	case owners.owned == 0:
		return StateStandingBy, reason
	default:
		return StateForwarding, reason
	}
}

// partitions are those of the hub and those that this replica ever owned, in their order.
func (o *Overview) partitions(owners ownerView) []PartitionStatus {
	states := *o.stats.partitions.states.Load()
	known := make(map[string]bool)
	for id := range states {
		known[id] = true
	}
	for id := range owners.byPartition {
		known[id] = true
	}
	all := make([]PartitionStatus, 0, len(known))
	for _, id := range sortedPartitions(known) {
		p := PartitionStatus{ID: id, Owner: owners.byPartition[id]}
		if state := states[id]; state != nil {
			state.describe(&p, o.now())
		}
		p.own(owners.me)
		all = append(all, p)
	}
	return all
}

// own reconciles what the last balancing round found with what has happened since.
func (p *PartitionStatus) own(me string) {
	switch {
	case p.State == PartitionHere:
		p.Owner = me
	case p.Owner == "":
		p.State = PartitionUnowned
	case p.Owner == me:
		p.State, p.Owner = PartitionGivenUp, ""
	default:
		p.State = PartitionElsewhere
	}
}

// describe fills in what this replica knows of the partition.
func (s *partitionState) describe(p *PartitionStatus, now time.Time) {
	p.LastAnswer = s.view.answer.Load()
	p.Records = make(map[Verdict]int64, len(s.view.records))
	for verdict, count := range s.view.records {
		p.Records[verdict] = count.Load()
	}
	if !s.owned.Load() {
		return
	}
	p.State = PartitionHere
	p.Position, p.LagEvents = known(s.view.position.Load()), known(s.lag.Load())
	if newest := s.newest.Load(); newest != unknown {
		age := max(now.Sub(time.Unix(0, newest)), 0).Seconds()
		p.AgeSeconds = &age
	}
}

func known(value int64) *int64 {
	if value < 0 {
		return nil
	}
	return &value
}
