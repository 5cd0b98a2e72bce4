package partition

import (
	"aks-audit-log-go/eventhub/dedupe"
	"aks-audit-log-go/forwarder/audit"
)

// waits reports whether what becomes of a record depends on one before it.
func (e *hubEvent) waits(record int) bool {
	return e.twins != nil && e.twins[record].First != nil
}

// sortOut passes the copies among the audit events of a hub event over, before any is sent. A copy
// of one that is still on its way waits for what becomes of that; so do not, for their order's sake,
// events that are the same where no copies come.
func (d *deliverer) sortOut(event *hubEvent) {
	for i := range event.twins {
		r, t := &event.records[i], &event.twins[i]
		if r.Verdict != "" || t.Print == (dedupe.Fingerprint{}) {
			continue
		}
		if d.copies.Known(t.Print) {
			r.Verdict, r.IsCopy = audit.Skipped, true
			event.audits--
		} else if first := d.ahead[t.Print]; first != nil && d.copies.Come() {
			t.First = first
			event.audits--
		} else {
			d.ahead[t.Print] = t
		}
	}
}

// passOver gives the next record, which waits, its verdict. Where the sink took that for which it
// waits, it is a copy. Where it stands among events that were dropped together, it is dropped with
// them: it would have gone in the same POST. Else letIn is to have it sent.
func (d *deliverer) passOver(event *hubEvent, outcome audit.Outcome) {
	r := &event.records[event.judged]
	if event.twins[event.judged].First.Delivered {
		r.Verdict, r.IsCopy = audit.Skipped, true
	} else if outcome.Events > 0 {
		r.Verdict = outcome.Verdict
	}
}

// letIn has what waited in vain sent in its turn. Since all of a POST has the same outcome, nothing
// that stands behind it was delivered before it.
func (d *deliverer) letIn() {
	d.audits = d.audits[:0]
	for _, event := range d.waiting {
		for i := event.judged; i < len(event.twins); i++ {
			t := &event.twins[i]
			if t.First == nil || t.First.Delivered {
				continue
			}
			if t.First = d.ahead[t.Print]; t.First == nil {
				d.ahead[t.Print] = t
				event.audits++
			}
		}
		d.line(event)
	}
}

// arrivedAt notes what became of a record that was sent.
func (d *deliverer) arrivedAt(event *hubEvent, verdict audit.Verdict) {
	if event.twins == nil || event.twins[event.judged].Print == (dedupe.Fingerprint{}) {
		return
	}
	t := &event.twins[event.judged]
	if d.ahead[t.Print] == t {
		delete(d.ahead, t.Print)
	}
	if t.Delivered = verdict == audit.Delivered; t.Delivered {
		d.copies.Remember(t.Print, d.lease, d.session.Accepted())
	}
}
