package replay

import (
	"maps"

	"aks-audit-log-go/eventhub/unpack"
	"aks-audit-log-go/forwarder/audit"
)

// Counts are the results of a number of hub events.
type Counts struct {
	// HubEvents is the number of hub events. Sent is how many of their audit events the sink has accepted.
	HubEvents int `json:"hub_events"`
	Sent      int `json:"sent"`
	// Reduced is how many sent audit events lack an object because they were too large for the sink.
	Reduced int `json:"reduced,omitempty"`
	// Skipped is how many records are no audit events. Unusable is how many records can never be sent, by the reason
	// for which the daemon stores them as dead letters.
	Skipped  int            `json:"skipped,omitempty"`
	Unusable map[string]int `json:"unusable,omitempty"`
	// Refused is how many audit events the sink refused for good. RefusedEvents are the first of them.
	Refused       int            `json:"refused,omitempty"`
	RefusedEvents []RefusedEvent `json:"refused_events,omitempty"`
	// Missing is how many hub events retention removed before they were read.
	Missing int64 `json:"missing,omitempty"`
}

// RefusedEvent names an audit event that the sink refused, without its content.
type RefusedEvent struct {
	Partition string `json:"partition"`
	Sequence  int64  `json:"sequence_number"`
	Record    int    `json:"record"`
	AuditID   string `json:"audit_id,omitempty"`
	Answer    string `json:"answer"`
}

// refusedListed is how many refused audit events are listed at most.
const refusedListed = 20

// incomplete reports whether the sink lacks audit events that could be sent.
func (c *Counts) incomplete() bool { return c.Refused > 0 || c.Missing > 0 }

// add adds the other counts.
func (c *Counts) add(other Counts) {
	c.HubEvents += other.HubEvents
	c.Sent += other.Sent
	c.Reduced += other.Reduced
	c.Skipped += other.Skipped
	c.Refused += other.Refused
	c.Missing += other.Missing
	for reason, count := range other.Unusable {
		c.addUnusable(reason, count)
	}
	if room := refusedListed - len(c.RefusedEvents); room > 0 {
		c.RefusedEvents = append(c.RefusedEvents, other.RefusedEvents[:min(room, len(other.RefusedEvents))]...)
	}
}

// addUnusable counts records that can never be sent.
func (c *Counts) addUnusable(reason string, count int) {
	if c.Unusable == nil {
		c.Unusable = map[string]int{}
	}
	c.Unusable[reason] += count
}

// unposted counts a record that is not posted.
func (c *Counts) unposted(record *unpack.Record) {
	switch record.Verdict {
	case audit.Skipped:
		c.Skipped++
	case audit.DeadLettered:
		c.addUnusable(record.Reason, 1)
	}
}

// posted counts the outcome of an audit event.
func (c *Counts) posted(sent audit.Event, outcome audit.Outcome) {
	switch {
	case outcome.Verdict == audit.DeadLettered:
		c.Refused++
		c.RefusedEvents = append(c.RefusedEvents, RefusedEvent{
			Partition: sent.Partition, Sequence: sent.Sequence, Record: sent.Record, AuditID: sent.AuditID, Answer: outcome.Reason,
		})
	case sent.Truncated:
		c.Sent++
		c.Reduced++
	default:
		c.Sent++
	}
}

// clone returns a copy that shares no memory.
func (c *Counts) clone() Counts {
	other := *c
	other.Unusable = maps.Clone(c.Unusable)
	other.RefusedEvents = append([]RefusedEvent(nil), c.RefusedEvents...)
	return other
}
