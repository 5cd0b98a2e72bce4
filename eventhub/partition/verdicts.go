package partition

import (
	"aks-audit-log-go/eventhub/unpack"
	"aks-audit-log-go/forwarder/audit"
	"aks-audit-log-go/forwarder/metrics"
)

// verdictCounts counts the verdicts of one outcome. Delivered records are summed up, since they are nearly all.
type verdictCounts struct {
	total     *metrics.Statistics
	partition *metrics.Partition
	// delivered and replayed are still to be counted by flush.
	delivered, replayed int
}

// posted counts the verdict of an audit event that was posted. A redelivery counts as a delivery.
func (c *verdictCounts) posted(event *hubEvent, sent audit.Event, verdict audit.Verdict) {
	record := &event.records[sent.Record]
	if record.Original != nil {
		c.total.EventTruncated(record.Reason)
	}
	if record.Repaired {
		c.total.EventRepaired()
	}
	switch {
	case verdict == audit.Delivered:
		c.delivered++
		if event.redelivered {
			c.replayed++
		}
		return
	case verdict == audit.DeadLettered && record.Original == nil:
		c.total.RecordDeadLettered(audit.ReasonRefused)
	default: // EventTruncated has counted the dead letter of a truncated event
		c.total.RecordsDone(verdict, 1)
	}
	c.partition.Records(verdict, 1)
}

// flush counts the delivered records.
func (c *verdictCounts) flush() {
	c.total.RecordsDone(audit.Delivered, c.delivered)
	c.total.EventsReplayed(c.replayed)
	c.partition.Records(audit.Delivered, c.delivered)
}

// countUnposted counts the records of a hub event that had their verdict without being posted.
func countUnposted(total *metrics.Statistics, partition *metrics.Partition, event *hubEvent) {
	if event.audits == len(event.records) {
		return
	}
	for i := range event.records {
		countUnpostedRecord(total, partition, &event.records[i])
	}
}

func countUnpostedRecord(total *metrics.Statistics, partition *metrics.Partition, record *unpack.Record) {
	switch record.Verdict {
	case audit.Skipped:
		total.RecordSkipped(record.Category)
	case audit.DeadLettered:
		total.RecordDeadLettered(record.Reason)
	default:
		return
	}
	partition.Records(record.Verdict, 1)
}
