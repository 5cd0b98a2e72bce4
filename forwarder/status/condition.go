package status

import (
	"cmp"
	"slices"
	"time"

	"aks-audit-log-go/forwarder/metrics"
)

// Condition is how far delivery is behind the hub, and why.
type Condition string

// The conditions of a partition, and of the replica, from the best to the worst.
const (
	// ConditionUpToDate means that no hub event has waited for more than a minute.
	ConditionUpToDate Condition = "up to date"
	// ConditionStarting means that the number of waiting hub events is not known yet.
	ConditionStarting Condition = "starting"
	// ConditionCatchingUp means that the number of waiting hub events falls, or that it is too early to know.
	ConditionCatchingUp Condition = "catching up"
	// ConditionFallingBehind means that hub events wait for up to 15 minutes, and their number does not fall.
	ConditionFallingBehind Condition = "falling behind"
	// ConditionBehind means that hub events wait for more than 15 minutes, and their number does not fall.
	ConditionBehind Condition = "behind"
	// ConditionNotReading means that the hub is not read, by this replica or by any.
	ConditionNotReading Condition = "not reading"
	// ConditionNotDelivering means that the sink did not take the last POST.
	ConditionNotDelivering Condition = "not delivering"
)

const (
	// behindFrom is the age of the oldest waiting hub event from which on ConditionFallingBehind is ConditionBehind.
	behindFrom = 15 * time.Minute
	// catchUpKnown is the age of a backlog from which on it is known whether it shrinks. Rates cover a minute, and the
	// service is asked every 30 s what has arrived.
	catchUpKnown = 2 * time.Minute
)

// conditions go from the best to the worst. The first is that of a partition that another replica owns.
var conditions = []Condition{
	"", ConditionUpToDate, ConditionStarting, ConditionCatchingUp, ConditionFallingBehind, ConditionBehind,
	ConditionNotReading, ConditionNotDelivering,
}

func (c Condition) rank() int { return slices.Index(conditions, c) }

// lateness returns the condition of a backlog, which is nil if there is none.
func lateness(backlog *metrics.Backlog, now time.Time) Condition {
	switch {
	case backlog == nil:
		return ConditionUpToDate
	case backlog.CatchUpSeconds != nil, now.Sub(backlog.Since) < catchUpKnown:
		return ConditionCatchingUp
	case backlog.OldestAgeSeconds > behindFrom.Seconds():
		return ConditionBehind
	default:
		return ConditionFallingBehind
	}
}

// setCondition sets the condition of a partition and its reason. reading and posting are why it is not read or not
// delivered, or empty.
func (p *PartitionStatus) setCondition(reading, posting string, now time.Time) {
	switch {
	case p.State == PartitionUnowned:
		p.Condition, p.Reason = ConditionNotReading, "no replica owns it"
	case p.State != PartitionHere:
		// Another replica knows.
	case posting != "":
		p.Condition, p.Reason = ConditionNotDelivering, posting
	case reading != "":
		p.Condition, p.Reason = ConditionNotReading, reading
	case p.LagEvents == nil:
		p.Condition = ConditionStarting
	default:
		p.Condition = lateness(p.Backlog, now)
	}
}

// worst returns the worst condition of all partitions, and the partitions in it, or "" if no partition has one.
func worst(partitions []PartitionStatus) (condition Condition, in []PartitionStatus) {
	for _, p := range partitions {
		switch cmp.Compare(p.Condition.rank(), condition.rank()) {
		case 1:
			condition, in = p.Condition, []PartitionStatus{p}
		case 0:
			in = append(in, p)
		}
	}
	return condition, in
}
