package eventhub

import (
	"context"

	"aks-audit-log-go/forwarder/audit"
)

// Sink is where audit events go.
type Sink interface {
	// OpenSession opens a session for one partition. The partition closes it, and opens another one after a loss.
	OpenSession() Session
}

// Session delivers the audit events of one partition. The sink queues what it accepts, and can lose its queue. The
// session therefore numbers the accepted audit events from 1, and confirms those that the sink can no longer lose.
type Session interface {
	// Deliver sends the first of the events in order, as many as the sink takes at a time, and returns their outcome.
	// The next call must continue with the first event without an outcome. Deliver blocks until there is an outcome,
	// however long that takes. It fails only if ctx ends, the daemon stops or the session is lost; the outcome may
	// then cover no event. It may go on reading the JSON of the events, which must therefore never change.
	Deliver(ctx context.Context, events []audit.Event) (audit.Outcome, error)
	// Accepted returns the number of the last accepted audit event, 0 before the first.
	Accepted() int64
	// Confirmed returns the number up to which all audit events are confirmed.
	Confirmed() int64
	// Confirm waits until everything accepted is confirmed. Nothing may be delivered meanwhile. It fails if the
	// session is lost or ctx ends.
	Confirm(ctx context.Context) error
	// Lost is closed when the sink may have lost what is not confirmed. The session then accepts and confirms nothing.
	Lost() <-chan struct{}
	// Err returns why the session is lost, or nil.
	Err() error
	// Close ends the session. Nothing is confirmed or lost after it.
	Close()
}
