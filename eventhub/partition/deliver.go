package partition

import (
	"context"
	"runtime"

	"github.com/sirupsen/logrus"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/eventhub/dedupe"
	"aks-audit-log-go/forwarder/audit"
)

// deliverer gives the records of a partition their verdicts, in order, over one lane. Only when
// each record of a hub event has one may the checkpoint pass it.
type deliverer struct {
	*Partition
	stop, work context.Context
	session    eventhub.Session
	// waiting are the hub events without all of their verdicts, the oldest first, and audits
	// their audit events without an outcome, at the end of buffer.
	waiting        []*hubEvent
	audits, buffer []audit.Event
	// ahead are those of audits of which copies can be known.
	ahead map[dedupe.Fingerprint]*dedupe.Twin
}

// deliver sees through what was gathered until stop ends or something has to be left without a
// verdict. At the stop it finishes a hub event of which the sink has a part already, so that
// nothing comes twice, and leaves the others, which come again.
func (p *Partition) deliver(stop, work context.Context, lane eventhub.Session, gathered <-chan []*hubEvent) {
	d := &deliverer{Partition: p, stop: stop, work: work, session: lane, ahead: map[dedupe.Fingerprint]*dedupe.Twin{}}
	for d.take(gathered) && d.post() {
		continue
	}
	if len(d.waiting) > 0 {
		p.repeats.leave(d.waiting[0].Sequence, d.waiting[0].judged)
	}
}

// take gets what was gathered meanwhile, or waits for something where there is nothing to do. It
// returns false when it is time to end.
func (d *deliverer) take(gathered <-chan []*hubEvent) bool {
	for len(d.audits) == 0 {
		more, open := <-gathered
		if !open || d.stop.Err() != nil { // one before it may have been left
			return false
		}
		d.add(more)
		runtime.Gosched() // what has arrived by now goes with it; nothing is waited for
	}
	if d.stop.Err() != nil {
		return d.waiting[0].judged > 0
	}
	if len(d.audits) < d.cfg.PostBatchMaxEvents {
		select {
		case more := <-gathered:
			d.add(more)
		default:
		}
	}
	return true
}

// add takes on hub events, and stores the dead letters among their records. Those of which it
// cannot before stop ends are left.
func (d *deliverer) add(events []*hubEvent) {
	defer d.lag.health.Handling(d.id)()
	d.audits = append(d.buffer[:0], d.audits...)
	for _, event := range events {
		d.sortOut(event)
		if !d.storeDeadLetters(event) {
			break
		}
		d.waiting = append(d.waiting, event)
		d.line(event)
	}
	d.buffer = d.audits
	d.judge(audit.Outcome{})
}

// line lines up what the sink is to be given of a hub event.
func (d *deliverer) line(event *hubEvent) {
	for i := event.judged; i < len(event.records); i++ {
		if event.records[i].Verdict == "" && !event.waits(i) {
			d.audits = append(d.audits, d.auditEvent(event, i))
		}
	}
}

// auditEvent is what the sink is given of a record.
func (d *deliverer) auditEvent(event *hubEvent, record int) audit.Event {
	r := &event.records[record]
	return audit.Event{
		Partition: d.id, Sequence: event.Sequence, Record: record, AuditID: r.AuditID, JSON: r.Content,
		Again: r.Again, Truncated: r.Original != nil,
	}
}

// post delivers some of the audit events: as many as the sink takes at a time. It returns false
// if one is left without a verdict.
func (d *deliverer) post() bool {
	defer d.lag.health.Handling(d.id)()
	if err := d.vigil.Await(d.work); err != nil {
		return false
	}
	audits := d.audits
	if first := d.waiting[0]; d.stop.Err() != nil {
		audits = audits[:first.audits-first.posted]
	}
	outcome, err := d.session.Deliver(d.work, audits)
	if !d.judge(outcome) {
		return false
	}
	if outcome.Events > 0 && outcome.Verdict != audit.Delivered {
		d.letIn()
	}
	if err != nil {
		first := d.waiting[0]
		d.log.WithError(err).WithFields(logrus.Fields{"sequence": first.Sequence, "delivered": first.posted, "of": first.audits}).
			Info("hub event left unfinished, it will come again")
	}
	return err == nil
}
