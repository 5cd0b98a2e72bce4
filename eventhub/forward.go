package eventhub

import (
	"context"

	"github.com/sirupsen/logrus"

	"aks-audit-log-go/forwarder"
)

// forward sees one hub event through: unpack, deliver, and only when each of its records has a
// verdict let the checkpoint pass. It returns false if it had to leave the event unfinished.
func (p *partition) forward(stop, work context.Context, lane Lane, event Event) bool {
	defer p.lag.health.Handling(p.id)()
	log := p.log.WithField("sequence", event.Sequence)
	log.WithFields(logrus.Fields{"bytes": len(event.Body), "offset": event.Offset, "enqueued": event.Enqueued}).
		Debug("hub event received")
	if p.repeats.arrived(event) {
		p.stats.HubEventReceived(p.id, len(event.Body))
		p.noteGap(event)
	}
	p.lag.arrived(event.Sequence)
	records, detail := p.unpacker.records(event)
	event.Body = nil // so that it takes no memory while the sink is slow: the records are copies
	log.WithField("records", len(records)).Debug("hub event unpacked")
	if !p.giveVerdicts(stop, work, lane, event, records, detail) {
		return false
	}
	p.repeats.finish(event)
	p.checkpoints.settling.reach(event)
	p.lag.processed(event.Sequence)
	log.Debug("hub event done")
	return true
}

// noteGap says which events are missing between the last one with a verdict, or the checkpoint,
// and this one. The client has done what it can to get them.
func (p *partition) noteGap(event Event) {
	last := p.lag.done.Load()
	missing := event.Sequence - last - 1
	if last == noSequence || missing <= 0 {
		return
	}
	p.stats.EventsMissing(p.id, missing)
	p.log.WithFields(logrus.Fields{"after": last, "before": event.Sequence, "missing": missing}).
		Warn("hub events are missing: retention removed them, or the hub did not give them")
}

// giveVerdicts ends each record in its verdict. It returns false if one has none yet.
func (p *partition) giveVerdicts(stop, work context.Context, lane Lane, event Event, records []record, detail string) bool {
	var deliver []forwarder.AuditEvent
	for i, record := range records {
		switch record.verdict {
		case forwarder.Skipped:
			if p.repeats.judge(event, i) {
				p.stats.RecordSkipped(record.category)
			}
		case forwarder.DeadLettered:
			if !p.bury(stop, work, event, deadLetterOf(event, i, record, detail)) {
				return false
			}
		default:
			if !p.keepOriginal(stop, work, event, i, record) {
				return false
			}
			deliver = append(deliver, forwarder.AuditEvent{
				Partition: p.id, Sequence: event.Sequence, Record: i, AuditID: record.auditID, JSON: record.content,
				Again: p.repeats.known(event, i), Reduced: record.original != nil,
			})
		}
	}
	return p.deliver(stop, work, lane, event, deliver)
}

// deliver hands audit events to the sink and stores those that it refuses for good.
func (p *partition) deliver(stop, work context.Context, lane Lane, event Event, audits []forwarder.AuditEvent) bool {
	if len(audits) == 0 {
		return true
	}
	outcomes, err := lane.Deliver(work, audits)
	for i, outcome := range outcomes {
		switch outcome.Verdict {
		case forwarder.DeadLettered:
			if !p.buryRefused(stop, work, event, audits[i], outcome.Reason) {
				return false
			}
		case forwarder.Delivered:
			p.stats.PartitionDelivered(p.id, event.Enqueued)
			fallthrough
		default:
			if p.repeats.judge(event, audits[i].Record) {
				p.stats.RecordDone(outcome.Verdict)
			}
		}
	}
	if err != nil {
		p.log.WithError(err).WithFields(logrus.Fields{"sequence": event.Sequence, "delivered": len(outcomes), "of": len(audits)}).
			Info("hub event left unfinished, it will come again")
		return false
	}
	return true
}

// bury stores a dead letter, however long that takes: the checkpoint must not pass before. It
// returns false if it was stopped first.
func (p *partition) bury(stop, work context.Context, event Event, letter DeadLetter) bool {
	stored := p.storeLetter(stop, work, letter)
	if stored && p.repeats.judge(event, letter.Record) {
		p.stats.RecordDeadLettered(letter.Reason)
	}
	return stored
}

func (p *partition) storeLetter(stop, work context.Context, letter DeadLetter) bool {
	letter.Partition = p.id
	log := p.log.WithFields(logrus.Fields{"sequence": letter.Sequence, "record": letter.Record, "reason": letter.Reason})
	stored := false
	_ = retry(stop, log, "store a dead letter", func() error {
		err := p.store.StoreDeadLetter(work, letter)
		stored = err == nil
		return err
	})
	if stored {
		log.WithField("detail", letter.Detail).Warn("record stored as a dead letter, it cannot be delivered")
	}
	return stored
}

func deadLetterOf(event Event, index int, record record, detail string) DeadLetter {
	return DeadLetter{
		Sequence: event.Sequence, Record: index, Enqueued: event.Enqueued,
		Reason: record.reason, Detail: detail, Category: record.category, Content: record.content,
	}
}

func refusedLetter(event Event, audit forwarder.AuditEvent, answer string) DeadLetter {
	return DeadLetter{
		Sequence: event.Sequence, Record: audit.Record, Enqueued: event.Enqueued,
		Reason: forwarder.ReasonRefused, Detail: answer, Content: audit.JSON,
	}
}
