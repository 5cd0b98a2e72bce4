package audit

// The reasons for a dead letter, spelled as the label reason of aks_audit_log_dead_letters_total.
const (
	// ReasonNotJSON means that the body of the hub event or the log of the record cannot be parsed.
	ReasonNotJSON = "not_json"
	// ReasonCut means that AKS cut the log before it named the action and the user.
	ReasonCut = "cut"
	// ReasonNoLog means that the record is of an audit category but has no properties.log.
	ReasonNoLog = "no_log"
	// ReasonNotAnAuditEvent means that the log is JSON but not a Kubernetes audit event.
	ReasonNotAnAuditEvent = "not_an_audit_event"
	// ReasonNoStageTimestamp means that the event lacks the RFC 3339 stageTimestamp that Falco needs.
	ReasonNoStageTimestamp = "no_stage_timestamp"
	// ReasonTooLarge means that the event is too large for Falco, or the unpacked body too large for the daemon.
	ReasonTooLarge = "too_large"
	// ReasonTooDeep means that the event is nested too deeply for Falco.
	ReasonTooDeep = "too_deep"
	// ReasonTooManyValues means that the body or the event has too many records or JSON values for the daemon.
	ReasonTooManyValues = "too_many_values"
	// ReasonBadEncoding means that the hub event claims a gzip body, but the body is not gzip or not complete.
	ReasonBadEncoding = "bad_encoding"
	// ReasonUnreadable means that the hub's client cannot read the hub event, so its content is unknown.
	ReasonUnreadable = "unreadable"
	// ReasonRefused means that the sink refuses the event for good.
	ReasonRefused = "refused"
	ReasonOther   = "other"
)

// DeadLetterReasons returns all reasons, so that their metrics exist before the first dead letter.
func DeadLetterReasons() []string {
	return []string{
		ReasonNotJSON, ReasonCut, ReasonNoLog, ReasonNotAnAuditEvent, ReasonNoStageTimestamp,
		ReasonTooLarge, ReasonTooDeep, ReasonTooManyValues, ReasonBadEncoding, ReasonUnreadable, ReasonRefused,
		ReasonOther,
	}
}
