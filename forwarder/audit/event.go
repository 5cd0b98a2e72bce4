package audit

import (
	"github.com/sirupsen/logrus"
)

// AuditEvent is one Kubernetes audit event on its way from the Event Hub to the sink.
type Event struct {
	// Partition is the id of the Event Hub partition that it came from.
	Partition string
	// Sequence is the sequence number, within the partition, of the hub event that held it.
	Sequence int64
	// Record is its index among the records of that hub event, from 0.
	Record int
	// AuditID is the audit event's own auditID. It names a request, not an event: the
	// stages of one request share it.
	AuditID string
	// JSON is the audit event itself, byte for byte as AKS wrote it but for surrounding white
	// space; one that was cut is salvaged, one that Falco would not take is reduced. It may hold
	// secrets and must never be logged.
	JSON []byte
	// Reduced is whether JSON lacks parts of the event, which is kept whole as a dead letter.
	Truncated bool
}

// LogFields says which audit event a log line is about, without a word of its content.
func (e Event) LogFields() logrus.Fields {
	return logrus.Fields{
		"partition": e.Partition,
		"sequence":  e.Sequence,
		"record":    e.Record,
		"audit_id":  e.AuditID,
	}
}

// Verdict is what became of one record of a hub event. Each record gets exactly one, and
// only then may the checkpoint pass it.
type Verdict string

// The verdicts, as the label of aks_audit_log_records_total has them.
const (
	// Delivered: the sink answered 2xx.
	Delivered Verdict = "delivered"
	// Skipped: it is no Kubernetes audit event, as the other log categories of a hub are not.
	Skipped Verdict = "skipped"
	// DeadLettered: it can never be delivered; it was stored whole where an operator finds it.
	DeadLettered Verdict = "dead_lettered"
	// Dropped: the sink did not take it and the operator asked for POSTFAILUREPOLICY=drop.
	Dropped Verdict = "dropped"
)

// Verdicts lists all of them, for metrics that must exist before the first event.
func Verdicts() []Verdict {
	return []Verdict{Delivered, Skipped, DeadLettered, Dropped}
}

// Outcome is what a sink says of the first of the audit events that it was given. They went in one
// POST, so it is the same for all of them.
type Outcome struct {
	// Events is how many these are.
	Events int
	// Verdict is Delivered, Dropped, or DeadLettered where the sink refuses a single event for good
	// and whoever asked must store it.
	Verdict Verdict
	// Reason is why, where they were not delivered: an answer of the sink, in words.
	Reason string
}
