package unpack

import (
	"bytes"
	"strings"

	"aks-audit-log-go/forwarder/audit"
)

// Record is one record of a hub event, with the verdict as far as it does not depend on the sink.
type Record struct {
	// Verdict is Skipped, DeadLettered, or "" for an audit event to be sent to the sink.
	Verdict audit.Verdict
	// Category is the log category of the record, "" if the record names none.
	Category string
	// Cluster is the name of the record's cluster, "" if the record names none. It is "" for every skipped record: a
	// cluster that stopped sending its audit log may still send other logs.
	Cluster string
	// Reason is why the record is a dead letter, or why its audit event was truncated. For a skipped record, it is
	// the Shape.
	Reason string
	// Content is the audit event, or the content of the dead letter.
	Content []byte
	// AuditID is the audit event's own id.
	AuditID string
	// Repaired is whether the audit event had been cut.
	Repaired bool
	// Original is the log as it was in the hub, if Content is a truncated audit event. Original becomes a dead
	// letter.
	Original []byte
}

// Shape describes a skipped record without a category to people: by the names of its members, without their values.
// It returns "" for all other records, and for an empty body.
func (r *Record) Shape() string {
	if r.Verdict != audit.Skipped {
		return ""
	}
	return r.Reason
}

// skippedShape returns a skipped record that names no category.
func skippedShape(shape string) Record { return Record{Verdict: audit.Skipped, Reason: shape} }

// unusable returns the record for content without an audit event that Falco can use. A broken record of an audit
// category is evidence, and becomes a dead letter. A record without a category comes from another sender and is
// skipped, unless it is an audit event whose only fault is its size.
func unusable(reason, category string, content []byte) Record {
	if category == "" && reason != audit.ReasonTooLarge && reason != audit.ReasonTooManyValues {
		return Record{Verdict: audit.Skipped}
	}
	return deadRecord(reason, category, content)
}

func deadRecord(reason, category string, content []byte) Record {
	return Record{Verdict: audit.DeadLettered, Reason: reason, Category: category, Content: bytes.Clone(content)}
}

// rules decide what happens to records.
type rules struct {
	// maxEventSize is the largest audit event that the sink takes, in bytes.
	maxEventSize int
	// categories are the log categories that carry audit events.
	categories []string
	// clusterName says whether audit events get the name of their cluster.
	clusterName bool
}

// carriesAudit reports whether a log category carries audit events for the sink. It ignores case, because Azure's
// spelling of a name is not reliable.
func (r *rules) carriesAudit(category string) bool {
	for _, wanted := range r.categories {
		if strings.EqualFold(category, wanted) {
			return true
		}
	}
	return false
}
