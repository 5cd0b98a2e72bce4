package status

import (
	"time"

	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/forwarder/metrics"
)

// Levels of a summary.
const (
	levelGood    = "good"
	levelWaiting = "waiting"
	levelWarn    = "warn"
	levelBad     = "bad"
)

// ConditionNotWatching is the Summary's Condition while hub events come, but none of a forwarded category.
const ConditionNotWatching = "not watching"

// Summary answers each question of an operator in a sentence.
type Summary struct {
	// Condition is the worst Condition of the partitions, or the State if that says more.
	Condition string `json:"condition"`
	// Level is good, waiting, warn or bad.
	Level string `json:"level"`
	// Works is whether audit events get from the hub to the sink.
	Works bool `json:"works"`
	// Why says why it does not work or is not up to date, or is empty.
	Why string `json:"why,omitempty"`
	// ToDo is what an operator can do.
	ToDo string `json:"to_do"`
	// Section is the heading of the runbook that says more, empty if there is nothing to do.
	Section string `json:"section,omitempty"`
	// Runbook is where the section is: an address if RUNBOOKURL is set, or else a path in the repository.
	Runbook string `json:"runbook,omitempty"`
}

// retentionInDanger is the age from which on the alert AksAuditLogFarBehind fires.
const retentionInDanger = 6 * time.Hour

// summary returns the summary of a status that is otherwise complete.
func (o *Overview) summary(s Status) Summary {
	condition, in := worst(s.Partitions)
	sum := Summary{Condition: string(condition)}
	switch {
	case s.State == StateWedged || s.State == StateStopping:
		sum = ending(s)
	case condition == ConditionNotDelivering:
		sum.fill(o.notDelivering(s))
	case condition == ConditionNotReading:
		sum.fill(notReading(s, in))
	case s.State == StateNotReady && s.Replica == "" && s.BalancingFailure == "":
		sum = Summary{Condition: string(ConditionStarting), Level: levelWaiting, Why: plainReason(s.Reason), ToDo: "Nothing: wait."}
	case s.State == StateNotReady && condition == "":
		sum.Condition = string(ConditionNotReading)
		sum.fill(notReading(s, nil))
	case s.State == StateNotReady:
		sum = Summary{Condition: StateNotReady, Level: levelBad, Why: plainReason(s.Reason), Section: "What the probes say",
			ToDo: "Correct what the reason names."}
	case s.State == StateStandingBy:
		sum = Summary{Condition: StateStandingBy, Level: levelGood, Works: true,
			Why: "other replicas own all partitions", ToDo: "Nothing: it takes over when one of them ends."}
	case o.health.Remarks().Unwatched != "":
		sum = unwatched(o.health.Remarks().Unwatched)
	default:
		sum.fill(late(condition, s.Backlog))
	}
	if sum.Section != "" {
		sum.Runbook = runbook(o.cfg.RunbookURL, sum.Section)
	}
	return sum
}

// fill sets everything but the condition.
func (s *Summary) fill(from Summary) {
	from.Condition = s.Condition
	*s = from
}

// ending returns the summary of a replica that is stopping or must be restarted.
func ending(s Status) Summary {
	if s.State == StateStopping {
		return Summary{Condition: s.State, Level: levelWarn, Works: true,
			ToDo: "Nothing: another replica, or the next start, goes on from the checkpoint."}
	}
	return Summary{Condition: s.State, Level: levelBad, Why: plainReason(s.Reason), Section: "AksAuditLogWedged",
		ToDo: "Restart it, unless a liveness probe does: it has tried to connect again for the whole WATCHDOGTIMEOUT."}
}

func (o *Overview) notDelivering(s Status) Summary {
	kept := "Nothing is lost until the retention of the hub ends."
	if o.cfg.FailurePolicy == forwarder.FailureDrop {
		kept = "POSTFAILUREPOLICY is drop: audit events whose retries are used up are lost."
	}
	return Summary{Level: levelBad, Why: plainReason(s.Reason), Section: "AksAuditLogSinkFailing",
		ToDo: "See that Falco's pod runs and its Service has endpoints. After 401, 403, 404, 405 or a web page, correct WEBSINKURL. " + kept}
}

func notReading(s Status, in []PartitionStatus) Summary {
	for _, p := range in {
		if p.State != PartitionUnowned {
			return Summary{Level: levelBad, Why: plainReason(s.Reason), Section: "AksAuditLogNotRead",
				ToDo: "Correct what the reason names: the consumer group, the key or role, or the network. Nothing is lost until the retention of the hub ends."}
		}
	}
	sum := Summary{Level: levelBad, Why: "partitions without an owner: no replica reads them", Section: "AksAuditLogPartitionsUnowned",
		ToDo: "Wait a minute, in which a replica claims them. If none does, correct what /readyz and the log of each replica name."}
	if s.State == StateNotReady {
		sum.Why = plainReason(s.Reason)
	}
	return sum
}

// unwatched returns the summary of a replica that reads and delivers, while no audit events come.
func unwatched(why string) Summary {
	return Summary{Condition: ConditionNotWatching, Level: levelBad, Why: why, Section: "AksAuditLogNothingArrives",
		ToDo: "Correct the diagnostic setting, or CATEGORIES. What AKS does not write to the hub is lost."}
}

func late(condition Condition, backlog *metrics.Backlog) Summary {
	const faster = "Make Falco faster, raise RATELIMITEREVENTSPERSECONDS if it is set, or add replicas, up to the number of partitions."
	sum := Summary{Works: true, Level: levelWarn}
	switch condition {
	case ConditionBehind:
		sum.Level, sum.Why, sum.Section, sum.ToDo = levelBad, "at least as many hub events arrive as are handled", "AksAuditLogLagGrowing", faster
	case ConditionFallingBehind:
		sum.Why, sum.Section = "at least as many hub events arrive as are handled", "AksAuditLogLagGrowing"
		sum.ToDo = "Wait, if this is a peak. If it lasts 15 minutes: " + faster
	case ConditionCatchingUp:
		sum.Why, sum.Section = "hub events have waited and are handled now", "A backlog"
		sum.ToDo = "Nothing: wait."
	case ConditionStarting:
		return Summary{Works: true, Level: levelWaiting, Why: "it is not known yet how many hub events wait", ToDo: "Nothing: wait."}
	default:
		return Summary{Works: true, Level: levelGood, ToDo: "Nothing."}
	}
	if backlog != nil && backlog.OldestAgeSeconds > retentionInDanger.Seconds() {
		sum.Section = "AksAuditLogFarBehind"
		sum.ToDo = "Raise the retention of the hub first: what waits for longer is lost. " + sum.ToDo
	}
	return sum
}
