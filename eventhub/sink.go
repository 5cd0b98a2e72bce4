package eventhub

import (
	"context"

	"aks-audit-log-go/forwarder/audit"
)

// Sink is where audit events go.
type Sink interface {
	// Lane opens a partition's way there. The partition closes it, and opens another when it is
	// lost.
	OpenSession() Session
}

// Lane is one partition's way to the sink. A sink that accepts something may still lose it, with
// the queue in which it stands. So all that it accepts on a lane is counted, and settled only
// when it cannot be lost any more; the count at the time of an acceptance is its ticket.
type Session interface {
	// Deliver hands the first of the audit events to the sink, as many as it takes at a time, in
	// order, and returns what it says of these. It blocks until it says something, however long
	// that takes; the next call has to go on behind them. Only when ctx ends, the daemon is being
	// stopped, or the lane is lost does it return with an error, and then possibly no outcome. It
	// may go on reading their JSON, which must never be changed.
	Deliver(ctx context.Context, events []audit.Event) (audit.Outcome, error)
	// Accepted returns the ticket of what was accepted last, 0 before the first.
	Accepted() int64
	// Settled returns the highest ticket up to which all are settled.
	Confirmed() int64
	// Settle waits until all that was accepted is settled, while nothing is being delivered. It
	// fails when the lane is lost or ctx ends.
	Confirm(ctx context.Context) error
	// Lost is closed when what is not settled may be lost. Nothing is accepted or settled from
	// then on.
	Lost() <-chan struct{}
	// Err says why it is lost, nil while it is not.
	Err() error
	// Close ends it. Afterwards nothing is settled or lost any more.
	Close()
}
