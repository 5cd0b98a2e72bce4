package audit

import (
	"github.com/sirupsen/logrus"
)

// Event is one Kubernetes audit event on its way from the hub to the sink.
type Event struct {
	// Partition is the id of the event's partition.
	Partition string
	// Sequence is the sequence number of the hub event with this event. It is unique within the partition.
	Sequence int64
	// Record is the index of the event in its hub event, from 0.
	Record int
	// AuditID is the event's auditID. All stages of one request have the same.
	AuditID string
	// JSON is the event, byte for byte as AKS wrote it, without the white space around it. An event that AKS cut is
	// repaired, and one that Falco would not take is truncated. JSON may hold secrets and must never be logged.
	JSON []byte
	// Truncated is whether JSON lacks parts of the event. The whole event is then stored as a dead letter.
	Truncated bool
}

// LogFields returns the fields that identify the event in a log line, without its content.
func (e Event) LogFields() logrus.Fields {
	return logrus.Fields{
		"partition": e.Partition,
		"sequence":  e.Sequence,
		"record":    e.Record,
		"audit_id":  e.AuditID,
	}
}

// Verdict is the result of one record of a hub event. Each record gets exactly one verdict, and the checkpoint passes
// the record only after that.
type Verdict string

// The verdicts, spelled as the label verdict of aks_audit_log_records_total.
const (
	// Delivered means that the sink answered 2xx.
	Delivered Verdict = "delivered"
	// Skipped means that the record belongs to another log category than audit events for the sink.
	Skipped Verdict = "skipped"
	// DeadLettered means that the record can never be delivered, and was stored whole for an operator.
	DeadLettered Verdict = "dead_lettered"
	// Dropped means that the sink did not take the event, under POSTFAILUREPOLICY=drop.
	Dropped Verdict = "dropped"
)

// Verdicts returns all verdicts, so that their metrics exist before the first event.
func Verdicts() []Verdict {
	return []Verdict{Delivered, Skipped, DeadLettered, Dropped}
}

// Outcome is the sink's answer to the first Events of the audit events that it was given. They were in one POST, so
// they share the outcome.
type Outcome struct {
	// Events is the number of audit events in the POST.
	Events int
	// Verdict is Delivered, Dropped, or DeadLettered. DeadLettered means that the sink refuses this single event for
	// good, and that the caller has to store it.
	Verdict Verdict
	// Reason is the sink's answer in words if the events were not delivered, or else empty.
	Reason string
}
