package partition

import (
	"context"
	"runtime"

	"github.com/sirupsen/logrus"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/forwarder/audit"
)

// deliverer gives the records of a partition their verdicts, in order, over one session. The checkpoint may pass a hub
// event only when each of its records has a verdict.
type deliverer struct {
	p       *Partition
	session eventhub.Session
	// taken holds the hub events that were gathered and are not lined up yet.
	taken []*hubEvent
	// waiting holds the hub events that are not done, the oldest first. The oldest always has an audit event without
	// an outcome.
	waiting []*hubEvent
	// audits holds the audit events of waiting that have no outcome, at the end of buffer.
	audits, buffer []audit.Event
}

// deliver posts the audit events of what was gathered until drain ends or a record has to stay without a verdict. When
// drain ends, it finishes a hub event that the sink has in part, so that nothing is sent twice. The others are read
// again after the next start.
func (p *Partition) deliver(ctx, drain context.Context, session eventhub.Session, gathered <-chan []*hubEvent) {
	d := &deliverer{p: p, session: session}
	for d.fill(drain, gathered) {
		outcome, err := d.post(ctx, drain)
		if !d.apply(drain, outcome) {
			return
		}
		if err != nil {
			d.logUnfinished(err)
			return
		}
	}
}

// fill takes what was gathered, and waits for it if there is nothing to post. It returns false when it is time to end.
func (d *deliverer) fill(drain context.Context, gathered <-chan []*hubEvent) bool {
	for len(d.audits) == 0 {
		if len(d.taken) == 0 {
			more, open := <-gathered
			if !open {
				return false
			}
			d.taken = more
		}
		if drain.Err() != nil { // hub events may be missing after the last one
			return false
		}
		d.add(drain)
		runtime.Gosched() // hub events that have arrived by now go into the same request
	}
	if drain.Err() != nil {
		return d.waiting[0].posted > 0
	}
	if len(d.audits) < d.p.shared.cfg.PostBatchMaxEvents {
		d.takeMore(gathered)
		d.add(drain)
	}
	return true
}

// takeMore takes what was gathered, without a wait.
func (d *deliverer) takeMore(gathered <-chan []*hubEvent) {
	if len(d.taken) > 0 {
		return
	}
	select {
	case d.taken = <-gathered:
	default:
	}
}

// add hands over the dead letters of the taken hub events, and lines up their audit events. If too many dead letters
// wait to be stored, it leaves the rest until what is lined up is posted, and then waits. If drain ends meanwhile,
// this hub event and the following ones are left.
func (d *deliverer) add(drain context.Context) {
	defer d.p.shared.health.Handling(d.p.id)()
	d.audits = append(d.buffer[:0], d.audits...)
	for len(d.taken) > 0 {
		event, give := d.taken[0], d.p.letters.TryStore
		if len(d.audits) == 0 {
			give = d.p.handOverWithin(drain)
		}
		if event.deadLetters && !d.p.storeDeadLetters(give, event) {
			break
		}
		d.taken[0], d.taken = nil, d.taken[1:]
		d.waiting = append(d.waiting, event)
		d.lineUp(event)
	}
	d.buffer = d.audits
	d.passDone()
}

// lineUp appends the audit events of a hub event to those that wait for their outcome.
func (d *deliverer) lineUp(event *hubEvent) {
	for i := range event.records {
		if r := &event.records[i]; r.Verdict == "" {
			d.audits = append(d.audits, audit.Event{
				Partition: d.p.id, Sequence: event.Sequence, Record: i, AuditID: r.AuditID, JSON: r.Content,
				Truncated: r.Original != nil,
			})
		}
	}
}

// post delivers as many audit events as the sink takes at a time. After drain has ended, it posts only those of the
// oldest hub event.
func (d *deliverer) post(ctx, drain context.Context) (audit.Outcome, error) {
	defer d.p.shared.health.Handling(d.p.id)()
	audits := d.audits
	if oldest := d.waiting[0]; drain.Err() != nil {
		audits = audits[:oldest.audits-oldest.posted]
	}
	return d.session.Deliver(ctx, audits)
}

// apply records the outcome of the first audit events, and lets the checkpoint pass the hub events that are now done.
// It returns false if drain ended while too many dead letters wait to be stored.
func (d *deliverer) apply(drain context.Context, outcome audit.Outcome) bool {
	counts := verdictCounts{total: d.p.shared.stats, partition: d.p.stats}
	defer counts.flush()
	for range outcome.Events {
		event, sent := d.waiting[0], d.audits[0]
		if outcome.Verdict == audit.DeadLettered && !d.p.storeRefused(drain, event, sent, outcome.Reason) {
			return false
		}
		counts.posted(event, sent, outcome.Verdict)
		if event.posted == 0 {
			counts.sample(sent, outcome.Verdict)
		}
		event.posted++
		d.audits[0], d.audits = audit.Event{}, d.audits[1:]
		if event.posted == event.audits {
			d.passDone()
		}
	}
	return true
}

// passDone lets the checkpoint pass the oldest hub events that are done. One without audit events is done as soon as
// it is the oldest.
func (d *deliverer) passDone() {
	for len(d.waiting) > 0 && d.waiting[0].posted == d.waiting[0].audits {
		d.p.pass(d.waiting[0])
		d.waiting[0], d.waiting = nil, d.waiting[1:]
	}
	d.p.noteWaiting(d.waiting)
}

// pass lets the checkpoint pass a hub event once the sink has confirmed what it accepted up to now, and the dead
// letters are stored. The event's age counts even if nothing of it was sent: a partition that holds only other log
// categories does not lag.
func (p *Partition) pass(event *hubEvent) {
	countUnposted(p.shared.stats, p.stats, event)
	p.stats.Done(event.Enqueued)
	p.share.release(event.weight)
	var stored func() bool
	if event.hold != nil {
		stored = event.hold.Stored
	}
	p.checkpoints.Pass(event.Event, event.audits, stored)
	p.lag.processed(eventhub.After(event.Event))
	if p.debug {
		p.log.WithField("sequence", event.Sequence).Debug("hub event done")
	}
}

func (d *deliverer) logUnfinished(err error) {
	if len(d.waiting) == 0 {
		return
	}
	oldest := d.waiting[0]
	d.p.log.WithError(err).WithFields(logrus.Fields{"sequence": oldest.Sequence, "delivered": oldest.posted, "of": oldest.audits}).
		Info("hub event delivered only in part: it will be read and sent again")
}
