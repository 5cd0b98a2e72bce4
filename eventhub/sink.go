package eventhub

import (
	"context"

	"aks-audit-log-go/forwarder/audit"
)

// Sink is where audit events go.
type Sink interface {
	// OpenSession opens a session for one partition. The partition closes it, and opens another one if it is lost.
	OpenSession() Session
}

// Session delivers the audit events of one partition to the sink. The sink queues what it accepts, and may still lose
// it with the queue. The session therefore numbers the accepted audit events from 1, and confirms one once the sink
// cannot lose it any more.
type Session interface {
	// Deliver sends the first of the audit events in order, as many as the sink takes at a time, and returns their
	// outcome. The next call must continue with the first event that has no outcome. Deliver blocks until there is an
	// outcome, however long that takes. It fails only if ctx ends, the daemon is stopped, or the session is lost, and
	// then the outcome may cover no event. It may go on reading the JSON of the events, so that must never be changed.
	Deliver(ctx context.Context, events []audit.Event) (audit.Outcome, error)
	// Accepted returns the number of the audit event that was accepted last, 0 before the first.
	Accepted() int64
	// Confirmed returns the number up to which all audit events are confirmed.
	Confirmed() int64
	// Confirm waits until everything that was accepted is confirmed. Nothing may be delivered meanwhile. It fails if
	// the session is lost or ctx ends.
	Confirm(ctx context.Context) error
	// Lost is closed when the sink may have lost what is not confirmed. After that the session accepts and confirms
	// nothing.
	Lost() <-chan struct{}
	// Err returns why the session is lost, or nil if it is not.
	Err() error
	// Close ends the session. After that nothing is confirmed or lost.
	Close()
}
