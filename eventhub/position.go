package eventhub

import "time"

// NoSequence is the sequence number before every event: sequence numbers start at 0.
const NoSequence int64 = -1

// Position is a place between two events of a partition.
type Position struct {
	// Sequence is the sequence number of the last event before the position, NoSequence if there is none.
	Sequence int64
	// Offset is the offset of that event, "" if it is not known.
	Offset string
	// Enqueued is when the service accepted that event, in whole milliseconds, zero if it is not known. With it, the
	// event is known by more than its number: see OtherStream.
	Enqueued time.Time
	// Since leaves out the events that were enqueued at this time or before, unless it is zero. It serves to find the
	// first event after a time. If Offset is set, Since is ignored.
	Since time.Time
}

// Beginning returns the position before the oldest event that the service still holds.
func Beginning() Position { return Position{Sequence: NoSequence} }

// After returns the position after an event.
func After(event Event) Position {
	return Position{Sequence: event.Sequence, Offset: event.Offset, Enqueued: inMilliseconds(event.Enqueued)}
}

// Next returns the position after an event that was handed on. It keeps Since: where neither offset nor time of an
// event is known, a client may have to look for it from there again.
func (p Position) Next(event Event) Position {
	next := After(event)
	next.Since = p.Since
	return next
}

// Names reports whether the position is known to be just after that event: it has the same number and the same time.
func (p Position) Names(event Event) bool {
	return p.Sequence == event.Sequence && p.Enqueued.Equal(inMilliseconds(event.Enqueued))
}

// Passed reports whether the position is after an event, or after another position: what has no higher number is
// passed, unless it shows that there is another stream.
func (p Position) Passed(other Position) bool {
	return other.Sequence <= p.Sequence && !p.OtherStream(other)
}

// OtherStream reports whether an event, or the newest event of a partition, shows that the partition no longer holds
// the stream of the position: it has no higher number, but came in later. The event hub was then deleted and made
// anew, or it failed over to another one, or back to an older copy. A lower number alone shows nothing, because an
// answer about a partition may be older than the last event that was received.
func (p Position) OtherStream(other Position) bool {
	return !p.Enqueued.IsZero() && other.Sequence <= p.Sequence && other.Enqueued.After(p.Enqueued)
}

// Waiting returns how many events wait after the position in a partition whose newest event stands before newest, and
// whose oldest has the number first: all that the partition holds, if that is another stream.
func (p Position) Waiting(newest Position, first int64) int64 {
	done := p.Sequence
	if p.OtherStream(newest) {
		done = NoSequence
	}
	return max(0, newest.Sequence-max(done, first-1))
}

// inMilliseconds returns the time as AMQP and the checkpoints have it, so that two of the same event are equal.
func inMilliseconds(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return time.UnixMilli(t.UnixMilli()).UTC()
}
