package eventhub

import "time"

// NoSequence is the sequence number before every event: sequence numbers start at 0.
const NoSequence int64 = -1

// Position is a place between two events of a partition.
type Position struct {
	// Sequence is the sequence number of the event before the position, NoSequence if there is none.
	Sequence int64
	// Offset is the offset of that event, "" if unknown.
	Offset string
	// Enqueued is when the service accepted that event, in whole milliseconds, zero if unknown. It tells the event
	// from one of another stream: see OtherStream.
	Enqueued time.Time
	// Since leaves out events that were enqueued at this time or before, unless it is zero or Offset is set. It serves
	// to find the first event after a time.
	Since time.Time
}

// Beginning returns the position before the oldest event that is left.
func Beginning() Position { return Position{Sequence: NoSequence} }

// After returns the position after an event.
func After(event Event) Position {
	return Position{Sequence: event.Sequence, Offset: event.Offset, Enqueued: inMilliseconds(event.Enqueued)}
}

// Next returns the position after an event that was handed on. It keeps Since: if neither offset nor time of the event
// is known, a client may have to search from Since again.
func (p Position) Next(event Event) Position {
	next := After(event)
	next.Since = p.Since
	return next
}

// Names reports whether the position is just after that event: the number and the time are the same.
func (p Position) Names(event Event) bool {
	return p.Sequence == event.Sequence && p.Enqueued.Equal(inMilliseconds(event.Enqueued))
}

// Passed reports whether the position is after other. It is if other has no higher number, unless other is of another
// stream.
func (p Position) Passed(other Position) bool {
	return other.Sequence <= p.Sequence && !p.OtherStream(other)
}

// OtherStream reports whether other, an event or the newest one of a partition, shows that the partition no longer
// holds the stream of p: it has no higher number, but came later. The event hub was deleted and made anew, or it
// failed over to another one or back to an older copy. A lower number alone does not count, because an answer about a
// partition may be older than the last received event.
func (p Position) OtherStream(other Position) bool {
	return !p.Enqueued.IsZero() && other.Sequence <= p.Sequence && other.Enqueued.After(p.Enqueued)
}

// Waiting returns how many events wait after p in a partition whose newest event is before newest, and whose oldest
// has the number first. In another stream, all events wait.
func (p Position) Waiting(newest Position, first int64) int64 {
	done := p.Sequence
	if p.OtherStream(newest) {
		done = NoSequence
	}
	return max(0, newest.Sequence-max(done, first-1))
}

// inMilliseconds returns the time as AMQP and the checkpoints have it, so that two times of one event are equal.
func inMilliseconds(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return time.UnixMilli(t.UnixMilli()).UTC()
}
