package status

import (
	"time"

	"aks-audit-log-go/forwarder/audit"
	"aks-audit-log-go/forwarder/metrics"
)

// The states of a partition.
const (
	// PartitionHere means that this replica owns it.
	PartitionHere = "here"
	// PartitionElsewhere means that another replica owns it, or another reader of the consumer group.
	PartitionElsewhere = "elsewhere"
	// PartitionUnowned means that nobody owned it in the last balancing round.
	PartitionUnowned = "unowned"
	// PartitionGivenUp means that this replica has given it up since the last round; the next round shows who owns it.
	PartitionGivenUp = "given up"
)

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
	AgeSeconds *float64                `json:"age_seconds"`
	Records    map[audit.Verdict]int64 `json:"records"`
	LastAnswer *metrics.SinkAnswer     `json:"last_answer"`
}

// setState reconciles what the last balancing round found with what has happened since.
func (p *PartitionStatus) setState(me string) {
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

// partitionStatus returns the status of a partition that, as the last balancing round found, owner owns. m is nil where
// this replica never owned it.
func partitionStatus(id, owner, me string, m *metrics.Partition, now time.Time) PartitionStatus {
	p := PartitionStatus{ID: id, Owner: owner}
	if m != nil {
		s := m.Snapshot()
		p.Records, p.LastAnswer, p.Position, p.LagEvents = s.Records, s.LastAnswer, s.Position, s.Lag
		if s.Owned {
			p.State = PartitionHere
		}
		if !s.Newest.IsZero() {
			age := max(now.Sub(s.Newest), 0).Seconds()
			p.AgeSeconds = &age
		}
	}
	p.setState(me)
	return p
}
