package eventhub

import (
	"context"

	"github.com/sirupsen/logrus"

	"aks-audit-log-go/forwarder"
)

// keepOriginal stores what stood in the hub where the sink gets a reduced audit event, and counts
// what was done to an event so that the sink takes it. It returns false if it was stopped first.
func (p *partition) keepOriginal(stop, work context.Context, event Event, index int, record record) bool {
	log := p.log.WithFields(logrus.Fields{"sequence": event.Sequence, "record": index, "audit_id": record.auditID})
	again := p.repeats.known(event, index)
	if record.original != nil {
		letter := deadLetterOf(event, index, record, "the sink is given this event reduced")
		letter.Content = record.original
		if !p.storeLetter(stop, work, letter) {
			return false
		}
		if !again {
			p.stats.EventReduced(record.reason)
		}
		log.WithField("reason", record.reason).Debug("audit event reduced")
	}
	if record.salvaged {
		if !again {
			p.stats.EventSalvaged()
		}
		log.Debug("audit event salvaged")
	}
	return true
}

// buryRefused stores an audit event that the sink refuses for good. Of a reduced one the original
// is stored already, which says more and must not be replaced.
func (p *partition) buryRefused(stop, work context.Context, event Event, audit forwarder.AuditEvent, answer string) bool {
	if audit.Reduced {
		if p.repeats.judge(event, audit.Record) {
			p.stats.RecordDone(forwarder.DeadLettered)
		}
		p.log.WithFields(audit.LogFields()).WithField("detail", answer).
			Warn("the sink refuses a reduced audit event, its original is a dead letter")
		return true
	}
	return p.bury(stop, work, event, refusedLetter(event, audit, answer))
}
