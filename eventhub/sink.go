package eventhub

import (
	"context"

	"aks-audit-log-go/forwarder"
)

// Sink is where audit events go.
type Sink interface {
	// Deliver hands the audit events of one partition to the sink, in order, and returns one
	// outcome for each. It blocks until all have one, however long that takes. Only when ctx ends
	// or the daemon is being stopped does it return fewer, those of the first events, with an
	// error.
	Deliver(ctx context.Context, events []forwarder.AuditEvent) ([]forwarder.Outcome, error)
}
