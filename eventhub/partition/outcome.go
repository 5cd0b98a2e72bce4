package partition

import (
	"github.com/sirupsen/logrus"

	"aks-audit-log-go/eventhub/unpack"
	"aks-audit-log-go/forwarder/audit"
	"aks-audit-log-go/forwarder/metrics"
)

// judge gives the records their verdicts, as far as the outcome of the first audit events reaches,
// and lets the checkpoint pass each hub event whose records all have one. It returns false if a
// dead letter could not be stored.
func (d *deliverer) judge(outcome audit.Outcome) bool {
	counted := &tally{stats: d.stats, partition: d.id}
	defer counted.finish()
	for len(d.waiting) > 0 {
		event := d.waiting[0]
		for event.judged < len(event.records) {
			record := &event.records[event.judged]
			if event.waits(event.judged) {
				d.passOver(event, outcome)
			}
			verdict := record.Verdict
			if verdict == "" {
				if outcome.Events == 0 {
					return true
				}
				if !d.keepRefused(event, outcome) {
					return false
				}
				verdict = outcome.Verdict
				d.arrivedAt(event, verdict)
				outcome.Events--
				d.audits = d.audits[1:]
				event.posted++
			}
			if !record.Again {
				counted.add(record, verdict)
			}
			event.judged++
		}
		d.pass(event)
		d.waiting = d.waiting[1:]
	}
	return true
}

// pass lets the checkpoint pass a hub event. Its age counts even where nothing of it was sent: a partition of copies, or of
// other log categories, is not behind.
func (d *deliverer) pass(event *hubEvent) {
	d.stats.PartitionDone(d.id, event.Enqueued)
	d.share.release(event.weight)
	d.repeats.finish(event.Sequence)
	d.checkpoints.Pending.Add(event.Event)
	d.lag.processed(event.Sequence)
	if d.debugging {
		d.log.WithField("sequence", event.Sequence).Debug("hub event done")
	}
}

// tally counts verdicts.
type tally struct {
	stats     *metrics.Statistics
	partition string
	// delivered is what has yet to be counted.
	delivered int
}

func (t *tally) add(record *unpack.Record, verdict audit.Verdict) {
	switch {
	case record.IsCopy:
		t.stats.CopySkipped()
		t.stats.PartitionRecords(t.partition, verdict, 1)
		return // what was salvaged or reduced of it went nowhere
	case verdict == audit.Delivered:
		t.delivered++
	case verdict == audit.Skipped:
		t.stats.RecordSkipped(record.Category)
	case verdict == audit.DeadLettered && record.Verdict == audit.DeadLettered:
		t.stats.RecordDeadLettered(record.Reason)
	case verdict == audit.DeadLettered && record.Original == nil:
		t.stats.RecordDeadLettered(audit.ReasonRefused)
	default:
		t.stats.RecordsDone(verdict, 1)
	}
	if verdict != audit.Delivered {
		t.stats.PartitionRecords(t.partition, verdict, 1)
	}
	if record.Original != nil {
		t.stats.EventTruncated(record.Reason)
	}
	if record.Repaired {
		t.stats.EventRepaired()
	}
}

func (t *tally) finish() {
	t.stats.RecordsDone(audit.Delivered, t.delivered)
	t.stats.PartitionRecords(t.partition, audit.Delivered, t.delivered)
}

// storeLetters stores the dead letters among the records of a hub event, and the originals of
// those that the sink gets reduced. It returns false if it was stopped before.
func (d *deliverer) storeDeadLetters(event *hubEvent) bool {
	for i := range event.records {
		record := &event.records[i]
		if record.Again || record.Verdict == audit.Skipped || record.Verdict == "" && record.Original == nil {
			continue
		}
		letter := deadLetterOf(event.Event, i, *record, event.detail)
		if record.Original != nil {
			letter.Content, letter.Detail = record.Original, "the sink is given this event reduced"
		}
		if !d.storeDeadLetter(d.stop, d.work, letter) {
			return false
		}
	}
	return true
}

// keepRefused stores the next audit event of a hub event if the sink refuses it for good. Of a
// reduced one the original is stored already, which says more and must not be replaced. It returns
// false if it was stopped before.
func (d *deliverer) keepRefused(event *hubEvent, outcome audit.Outcome) bool {
	if outcome.Verdict != audit.DeadLettered {
		return true
	}
	audit := d.audits[0]
	if audit.Truncated {
		d.log.WithFields(logrus.Fields(audit.LogFields())).WithField("detail", outcome.Reason).
			Warn("the sink refuses a reduced audit event, its original is a dead letter")
		return true
	}
	return d.storeDeadLetter(d.stop, d.work, refusedLetter(event.Event, audit, outcome.Reason))
}
