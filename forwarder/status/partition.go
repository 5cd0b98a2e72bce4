package status

import (
	"time"

	"aks-audit-log-go/forwarder/audit"
	"aks-audit-log-go/forwarder/metrics"
)

// The states of a partition, as this replica sees it.
const (
	// PartitionHere means that this replica owns the partition.
	PartitionHere = "here"
	// PartitionElsewhere means that another replica, or another reader of the consumer group, owns the partition.
	PartitionElsewhere = "elsewhere"
	// PartitionUnowned means that no replica owned the partition in the last balancing round.
	PartitionUnowned = "unowned"
	// PartitionGivenUp means that this replica has relinquished the partition since the last balancing round. The next
	// round shows the new owner.
	PartitionGivenUp = "given up"
)

// PartitionStatus is the status of a partition. Position, lag and age are known only while this replica owns it.
type PartitionStatus struct {
	ID    string `json:"id"`
	State string `json:"state"`
	// Condition is how far this partition is behind, empty if another replica owns it.
	Condition Condition `json:"condition"`
	// Reason is why it is not read or not delivered, or empty.
	Reason string `json:"reason,omitempty"`
	// Backlog is how far it is behind, nil while no hub event waits for more than a minute.
	Backlog *metrics.Backlog `json:"backlog"`
	// Owner is the name of the owner, empty if none is known.
	Owner string `json:"owner"`
	// Position is the sequence number up to which all hub events have their verdict.
	Position *int64 `json:"position"`
	// LagEvents is the number of hub events without a verdict.
	LagEvents *int64 `json:"lag_events"`
	// AgeSeconds is the time since the newest hub event with all verdicts was enqueued.
	AgeSeconds *float64                `json:"age_seconds"`
	Records    map[audit.Verdict]int64 `json:"records"`
	LastAnswer *metrics.SinkAnswer     `json:"last_answer"`
}

// setState sets the state of a partition that is not PartitionHere. It corrects the owner from the last balancing
// round if this replica has claimed or relinquished the partition since.
func (p *PartitionStatus) setState(replica string) {
	switch {
	case p.State == PartitionHere:
		p.Owner = replica
	case p.Owner == "":
		p.State = PartitionUnowned
	case p.Owner == replica:
		p.State, p.Owner = PartitionGivenUp, ""
	default:
		p.State = PartitionElsewhere
	}
}

// partitionStatus returns the status of a partition. owner is its owner in the last balancing round, replica is this
// replica, and m is nil if this replica has never owned it.
func partitionStatus(id, owner, replica string, m *metrics.Partition, now time.Time) PartitionStatus {
	p := PartitionStatus{ID: id, Owner: owner}
	if m != nil {
		s := m.Snapshot()
		p.Records, p.LastAnswer, p.Position, p.LagEvents, p.Backlog = s.Records, s.LastAnswer, s.Position, s.Lag, s.Backlog
		if s.Owned {
			p.State = PartitionHere
		}
		if !s.Newest.IsZero() {
			age := max(now.Sub(s.Newest), 0).Seconds()
			p.AgeSeconds = &age
		}
	}
	p.setState(replica)
	return p
}
