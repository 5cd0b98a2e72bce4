package eventhub

import (
	"slices"

	"aks-audit-log-go/forwarder"
)

// sortOut passes the copies among the audit events of a hub event over, before any is sent. A copy
// of one that is still on its way waits for what becomes of that; so do not, for their order's sake,
// events that are the same where no copies come.
func (d *deliverer) sortOut(event *hubEvent) {
	for i, print := range event.prints {
		r := &event.records[i]
		if r.verdict != "" || print == (fingerprint{}) {
			continue
		}
		if d.copies.known(print) {
			r.verdict, r.isCopy = forwarder.Skipped, true
			event.audits--
		} else if d.ahead[print] && d.copies.come() {
			r.waits = true
			event.audits--
		} else {
			d.ahead[print] = true
		}
	}
}

// passOver passes the next record over if the sink now has that of which it is a copy. If it has not,
// since that was dead-lettered or dropped, the record comes first in the next POST, behind what was
// sent meanwhile: it returns false.
func (d *deliverer) passOver(event *hubEvent, outcomes []forwarder.Outcome) bool {
	r, print := &event.records[event.judged], event.prints[event.judged]
	r.waits = false
	if d.copies.known(print) {
		r.verdict, r.isCopy = forwarder.Skipped, true
		return true
	}
	event.audits++
	d.ahead[print] = true
	d.audits = slices.Insert(d.audits, 0, d.auditEvent(event, event.judged))
	d.late = slices.Clone(outcomes)
	return false
}

// arrivedAt notes that a record that was sent has its verdict.
func (d *deliverer) arrivedAt(event *hubEvent, verdict forwarder.Verdict) {
	if event.prints == nil || event.prints[event.judged] == (fingerprint{}) {
		return
	}
	print := event.prints[event.judged]
	delete(d.ahead, print)
	if verdict == forwarder.Delivered {
		d.copies.remember(print, d.lease, d.lane.Accepted())
	}
}
