package audit

// The reasons for a dead letter, spelled as the label reason of aks_audit_log_dead_letters_total.
const (
	// ReasonNotJSON means that the body of the hub event or the log of the record cannot be parsed.
	ReasonNotJSON = "not_json"
	// ReasonCut means that AKS cut the log before it said what was done and by whom.
	ReasonCut = "cut"
	// ReasonNoLog means that the record is of an audit category but has no properties.log.
	ReasonNoLog = "no_log"
	// ReasonNotAnAuditEvent means that the log is JSON but not a Kubernetes audit event.
	ReasonNotAnAuditEvent = "not_an_audit_event"
	// ReasonNoStageTimestamp means that the event lacks the RFC 3339 stageTimestamp that Falco needs.
	ReasonNoStageTimestamp = "no_stage_timestamp"
	// ReasonTooLarge means that the event is larger than Falco takes, or the unpacked body larger than the daemon
	// takes.
	ReasonTooLarge = "too_large"
	// ReasonTooDeep means that the event is nested deeper than Falco takes.
	ReasonTooDeep = "too_deep"
	// ReasonTooManyValues means that the body or the event has more records or JSON values than the daemon takes.
	ReasonTooManyValues = "too_many_values"
	// ReasonBadEncoding means that the hub event says that its body is gzip, but the body is not gzip or not complete.
	ReasonBadEncoding = "bad_encoding"
	// ReasonUnreadable means that the hub's client cannot read the hub event. Its content is not known.
	ReasonUnreadable = "unreadable"
	// ReasonRefused means that the sink refuses the event for good.
	ReasonRefused = "refused"
	// ReasonOther means any other reason.
	ReasonOther = "other"
)

// DeadLetterReasons returns all reasons, so that their metrics exist before the first dead letter.
func DeadLetterReasons() []string {
	return []string{
		ReasonNotJSON, ReasonCut, ReasonNoLog, ReasonNotAnAuditEvent, ReasonNoStageTimestamp,
		ReasonTooLarge, ReasonTooDeep, ReasonTooManyValues, ReasonBadEncoding, ReasonUnreadable, ReasonRefused,
		ReasonOther,
	}
}
