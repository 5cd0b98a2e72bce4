package replay

import (
	"context"
	"errors"
	"fmt"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/forwarder/audit"
	"aks-audit-log-go/internal/beside"
)

// lane posts the hub events of one partition in order, and knows which of them the sink has confirmed.
type lane struct {
	partition string
	session   eventhub.Session
	// batch is how many audit events wait to be posted at most. The last hub event may exceed it.
	batch int
	// release releases the memory of a hub event when all its audit events have an outcome.
	release func(bytes int64)
	// in has the hub events to post. It is closed after the last one.
	in chan hubEvent
	// last is the position after the hub event that was taken last.
	last eventhub.Position

	// waiting are the hub events that have audit events without an outcome, the oldest first. audits are these audit
	// events. They are at the end of buffer.
	waiting        []*hubEvent
	audits, buffer []audit.Event
	// passed are the hub events that are done but not confirmed, in order.
	passed []passed
}

// hubEvent is a hub event that is being posted.
type hubEvent struct {
	beside.HubEvent
	// bytes is about how much memory the hub event takes.
	bytes int64
	// audits is how many audit events the hub event has, posted is how many of them have an outcome, and counts are
	// the outcomes.
	audits, posted int
	counts         Counts
}

// passed is a position, and how many audit events the session had accepted when the lane reached it. Once the session
// has confirmed as many, the partition is done up to the position.
type passed struct {
	accepted int64
	position eventhub.Position
	counts   Counts
}

// run posts until in is closed, or drain ends. After drain has ended, it only posts the rest of a hub event that was
// sent in part, so that no audit event of it is sent twice.
func (l *lane) run(ctx, drain context.Context, note func(passed)) error {
	for l.fill(drain, note) {
		outcome, err := l.session.Deliver(ctx, l.next(drain))
		switch {
		case err != nil && l.session.Err() != nil:
			return fmt.Errorf("%w: %w", errSinkLost, err)
		case err != nil && drain.Err() != nil:
			return nil //nolint:nilerr // the rest could not be sent in time, and the next replay sends the hub event again
		case err != nil:
			return err
		case outcome.Verdict == audit.Dropped:
			return fmt.Errorf("%w: %s", errSinkFails, outcome.Reason)
		}
		l.apply(outcome, note)
	}
	return nil
}

// fill takes hub events until there are audit events for a batch. It waits only for the first one. It returns false if
// nothing is left to post.
func (l *lane) fill(drain context.Context, note func(passed)) bool {
	for len(l.audits) == 0 {
		event, more := <-l.in
		if !more || drain.Err() != nil {
			return false
		}
		l.add(&event, note)
	}
	if drain.Err() != nil {
		return l.waiting[0].posted > 0
	}
	for len(l.audits) < l.batch {
		select {
		case event, more := <-l.in:
			if !more {
				return true
			}
			l.add(&event, note)
		default:
			return true
		}
	}
	return true
}

// add adds the audit events of a hub event to those that wait.
func (l *lane) add(event *hubEvent, note func(passed)) {
	l.audits = append(l.buffer[:0], l.audits...)
	event.counts.HubEvents = 1
	for i := range event.Records {
		record := &event.Records[i]
		if record.Verdict != "" {
			event.counts.unposted(record)
			continue
		}
		event.audits++
		l.audits = append(l.audits, audit.Event{
			Partition: l.partition, Sequence: event.Sequence, Record: i, AuditID: record.AuditID, JSON: record.Content,
			Truncated: record.Original != nil,
		})
	}
	l.buffer = l.audits
	event.counts.Missing = l.missingBefore(event.Event)
	l.last = eventhub.After(event.Event)
	l.waiting = append(l.waiting, event)
	l.pass(note)
}

// missingBefore returns how many hub events are missing between the last one and this one. The sequence numbers of a
// partition have no gaps, unless retention removed hub events.
func (l *lane) missingBefore(event eventhub.Event) int64 {
	if l.last.Sequence == eventhub.NoSequence || l.last.OtherStream(eventhub.After(event)) {
		return 0
	}
	return max(0, event.Sequence-l.last.Sequence-1)
}

// next returns the audit events to post next. After drain has ended, these are only the rest of the oldest hub event.
func (l *lane) next(drain context.Context) []audit.Event {
	if oldest := l.waiting[0]; drain.Err() != nil {
		return l.audits[:oldest.audits-oldest.posted]
	}
	return l.audits
}

// apply counts the outcome of the first audit events.
func (l *lane) apply(outcome audit.Outcome, note func(passed)) {
	for range outcome.Events {
		event := l.waiting[0]
		event.counts.posted(l.audits[0], outcome)
		event.posted++
		l.audits[0], l.audits = audit.Event{}, l.audits[1:] // so that the garbage collector can free it
		l.pass(note)
	}
}

// pass calls note with the oldest hub events that are done.
func (l *lane) pass(note func(passed)) {
	for len(l.waiting) > 0 && l.waiting[0].posted == l.waiting[0].audits {
		event := l.waiting[0]
		l.waiting[0], l.waiting = nil, l.waiting[1:]
		l.release(event.bytes)
		note(passed{accepted: l.session.Accepted(), position: eventhub.After(event.Event), counts: event.counts})
	}
}

// confirm waits until the sink has confirmed all that it accepted.
func (l *lane) confirm(ctx context.Context) error {
	err := l.session.Confirm(ctx)
	if err != nil && l.session.Err() != nil {
		return fmt.Errorf("%w: %w", errSinkLost, err)
	}
	if err != nil {
		return errors.Join(errUnconfirmed, err)
	}
	return nil
}

// errUnconfirmed says that the time was up before the sink confirmed all that it accepted.
var errUnconfirmed = errors.New("the sink has not confirmed all that it accepted")
