package eventhub

import "aks-audit-log-go/forwarder"

// twin is what is known of an audit event of which there may be copies.
type twin struct {
	// print is zero where there can be none.
	print fingerprint
	// first is an event that is the same and on its way to the sink before it, nil where there is
	// none. It waits for what becomes of that.
	first *twin
	// delivered is whether the sink took it.
	delivered bool
}

// waits reports whether what becomes of a record depends on one before it.
func (e *hubEvent) waits(record int) bool {
	return e.twins != nil && e.twins[record].first != nil
}

// sortOut passes the copies among the audit events of a hub event over, before any is sent. A copy
// of one that is still on its way waits for what becomes of that; so do not, for their order's sake,
// events that are the same where no copies come.
func (d *deliverer) sortOut(event *hubEvent) {
	for i := range event.twins {
		r, t := &event.records[i], &event.twins[i]
		if r.verdict != "" || t.print == (fingerprint{}) {
			continue
		}
		if d.copies.known(t.print) {
			r.verdict, r.isCopy = forwarder.Skipped, true
			event.audits--
		} else if first := d.ahead[t.print]; first != nil && d.copies.come() {
			t.first = first
			event.audits--
		} else {
			d.ahead[t.print] = t
		}
	}
}

// passOver gives the next record, which waits, its verdict. Where the sink took that for which it
// waits, it is a copy. Where it stands among events that were dropped together, it is dropped with
// them: it would have gone in the same POST. Else letIn is to have it sent.
func (d *deliverer) passOver(event *hubEvent, outcome forwarder.Outcome) {
	r := &event.records[event.judged]
	if event.twins[event.judged].first.delivered {
		r.verdict, r.isCopy = forwarder.Skipped, true
	} else if outcome.Events > 0 {
		r.verdict = outcome.Verdict
	}
}

// letIn has what waited in vain sent in its turn. Since all of a POST has the same outcome, nothing
// that stands behind it was delivered before it.
func (d *deliverer) letIn() {
	d.audits = d.audits[:0]
	for _, event := range d.waiting {
		for i := event.judged; i < len(event.twins); i++ {
			t := &event.twins[i]
			if t.first == nil || t.first.delivered {
				continue
			}
			if t.first = d.ahead[t.print]; t.first == nil {
				d.ahead[t.print] = t
				event.audits++
			}
		}
		d.line(event)
	}
}

// arrivedAt notes what became of a record that was sent.
func (d *deliverer) arrivedAt(event *hubEvent, verdict forwarder.Verdict) {
	if event.twins == nil || event.twins[event.judged].print == (fingerprint{}) {
		return
	}
	t := &event.twins[event.judged]
	if d.ahead[t.print] == t {
		delete(d.ahead, t.print)
	}
	if t.delivered = verdict == forwarder.Delivered; t.delivered {
		d.copies.remember(t.print, d.lease, d.lane.Accepted())
	}
}
