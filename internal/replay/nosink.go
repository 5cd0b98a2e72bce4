package replay

import (
	"context"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/forwarder/audit"
)

// noSink is the sink of -dry-run. It accepts everything, and sends nothing.
type noSink struct{}

// OpenSession implements eventhub.Sink.
func (noSink) OpenSession() eventhub.Session { return noSession{} }

// Stop implements stoppableSink.
func (noSink) Stop() {}

// noSession is a session with noSink.
type noSession struct{}

// Deliver implements eventhub.Session.
func (noSession) Deliver(ctx context.Context, events []audit.Event) (audit.Outcome, error) {
	if ctx.Err() != nil {
		return audit.Outcome{}, context.Cause(ctx)
	}
	return audit.Outcome{Events: len(events), Verdict: audit.Delivered}, nil
}

// Accepted implements eventhub.Session. Nothing waits for a confirmation.
func (noSession) Accepted() int64 { return 0 }

// Confirmed implements eventhub.Session.
func (noSession) Confirmed() int64 { return 0 }

// Confirm implements eventhub.Session.
func (noSession) Confirm(context.Context) error { return nil }

// Lost implements eventhub.Session.
func (noSession) Lost() <-chan struct{} { return nil }

// Err implements eventhub.Session.
func (noSession) Err() error { return nil }

// Close implements eventhub.Session.
func (noSession) Close() {}
