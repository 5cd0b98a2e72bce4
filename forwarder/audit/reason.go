package audit

import ()

// ReasonNotJSON: the hub event's body or its log cannot be parsed.
const ReasonNotJSON = "not_json"

// ReasonCut: AKS cut the log before it said what was done, and by whom.
const ReasonCut = "cut"

// ReasonNoLog: the record is of an audit category and has no properties.log.
const ReasonNoLog = "no_log"

// ReasonNotAnAuditEvent: the log is JSON, but no Kubernetes audit event.
const ReasonNotAnAuditEvent = "not_an_audit_event"

// ReasonNoStageTimestamp: the event lacks the RFC 3339 stageTimestamp that Falco needs.
const ReasonNoStageTimestamp = "no_stage_timestamp"

// ReasonTooLarge: the event is larger than Falco takes, or the unpacked body than we take.
const ReasonTooLarge = "too_large"

// ReasonTooDeep: the event is nested deeper than Falco takes.
const ReasonTooDeep = "too_deep"

// ReasonBadEncoding: the hub event says that its body is gzip, and it is not, or not whole.
const ReasonBadEncoding = "bad_encoding"

// ReasonUnreadable: the hub's client cannot read the hub event; its content is not known.
const ReasonUnreadable = "unreadable"

// ReasonRefused: the sink refuses the event for good.
const ReasonRefused = "refused"

// ReasonOther: anything else.
const ReasonOther = "other"

func DeadLetterReasons() []string {
	return []string{
		ReasonNotJSON, ReasonCut, ReasonNoLog, ReasonNotAnAuditEvent, ReasonNoStageTimestamp,
		ReasonTooLarge, ReasonTooDeep, ReasonBadEncoding, ReasonUnreadable, ReasonRefused, ReasonOther,
	}
}
