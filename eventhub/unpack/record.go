package unpack

import (
	"bytes"
	"strings"

	"aks-audit-log-go/forwarder/audit"
)

// Record is one record of a hub event, with the verdict that needs no sink.
type Record struct {
	// Verdict is Skipped, DeadLettered, or "" for an audit event that the sink is to get.
	Verdict audit.Verdict
	// Category is the log category that the record names, "" if it names none.
	Category string
	// Cluster is the name of the cluster that the record is of, "" if it tells none. A skipped record has none: a
	// cluster whose audit log is gone may still write other logs.
	Cluster string
	// Reason is why the record is a dead letter, or why its audit event was truncated. Of a skipped record it is the
	// Shape.
	Reason string
	// Content is the audit event, or the content of the dead letter.
	Content []byte
	// AuditID is the audit event's own id.
	AuditID string
	// Repaired is whether the audit event had been cut.
	Repaired bool
	// Original is the log as it was in the hub if Content is a truncated audit event. It becomes a dead letter.
	Original []byte
}

// Shape returns what a skipped record without a category was, for people: the names of its members, and none of its
// values. It returns "" for all other records, and for an empty body.
func (r *Record) Shape() string {
	if r.Verdict != audit.Skipped {
		return ""
	}
	return r.Reason
}

// skippedShape returns a skipped record that names no category.
func skippedShape(shape string) Record { return Record{Verdict: audit.Skipped, Reason: shape} }

// unusable returns the record for a content that holds no audit event for Falco. Broken records of an audit category
// are evidence and become dead letters. A record without a category is of another sender and is skipped, unless it is
// an audit event with no fault but its size.
func unusable(reason, category string, content []byte) Record {
	if category == "" && reason != audit.ReasonTooLarge && reason != audit.ReasonTooManyValues {
		return Record{Verdict: audit.Skipped}
	}
	return deadRecord(reason, category, content)
}

func deadRecord(reason, category string, content []byte) Record {
	return Record{Verdict: audit.DeadLettered, Reason: reason, Category: category, Content: bytes.Clone(content)}
}

// rules say what becomes of records.
type rules struct {
	// maxEventSize is the largest audit event that the sink takes, in bytes.
	maxEventSize int
	// categories are the log categories that carry audit events.
	categories []string
	// clusterName is whether audit events get the name of their cluster.
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
