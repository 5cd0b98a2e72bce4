package webhook

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"aks-audit-log-go/forwarder/audit"
	"aks-audit-log-go/httpclient"
	"aks-audit-log-go/webhook/confirm"
)

// idleTimeout is how long a lane's connection stays open while nothing is posted and nothing
// waits for settling. It is shorter than what servers grant (Node.js 5 s, most others a minute
// or more, Falco's plugin no limit), so that it is us who close it; and it lets go soon of pods
// that were replaced.
const idleTimeout = 4 * time.Second

// Lane is one partition's way to the sink: at most one connection at a time, and an account of
// what the sink has accepted over it. That an answer of 2xx came is no proof that the sink has
// used the body: Falco's stands in a queue then, which dies with Falco. So each accepted body
// has a ticket, counted from 1, and is settled only when it must have left that queue. When the
// connection is lost before, so is the lane: what is not settled has to be sent again, on
// another lane.
//
// Deliver is for one goroutine at a time; the other methods are safe for concurrent use. Close
// it in the end.
type Session struct {
	*Poster
	client  *http.Client
	tracker *confirm.Tracker
	idle    *time.Timer
	size    batchSize
	// halves are what is left of a batch that was refused, the next at the end.
	splits []split
}

// Lane opens a way to the sink, for one partition. Nothing is connected before the first Deliver.
func (p *Poster) OpenSession() *Session {
	l := &Session{Poster: p, size: newBatchSize(p.batchEvents, p.batchBytes), tracker: &confirm.Tracker{
		ConfirmTime: p.settleTime, Replay: p.replay, KeepAlive: p.keepAlive, IdleCloses: &p.idleCloses, Gone: make(chan struct{}),
	}}
	l.client = p.newClient(httpclient.Options{KeepAlive: p.keepAlive, Watcher: l.tracker, TLS: p.credentials.tls})
	l.idle = time.AfterFunc(idleTimeout, l.closeIdle)
	l.idle.Stop()
	return l
}

// Deliver posts a batch of the first events, as many as the sink takes at a time, and returns
// its outcome. The next call has to go on behind them. The JSON of the events must
// never be changed: a POST that is given up may go on reading it for a while. Only with an error does
// it return no outcome:
//
//   - ctx ended: the POST in flight is abandoned. Whether the sink has taken it is not known.
//     The error wraps context.Cause(ctx) and, if there was one, the sink's last error.
//   - The lane is lost: the same, at once, and the error wraps ErrLost.
//   - The daemon is stopping: the batch is still posted, and a POST in flight has its time until
//     ctx ends; but nothing is waited for and nothing is tried again. The error wraps ErrStopping
//     and the sink's last error.
//
// A sink that fails makes Deliver wait, not fail: that is the backpressure.
func (l *Session) Deliver(ctx context.Context, events []audit.Event) (audit.Outcome, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer l.tracker.AbortWith(nil)
	l.tracker.AbortWith(cancel)
	if len(events) == 0 {
		return audit.Outcome{}, nil
	}
	outcome, err := l.deliverFirst(ctx, events)
	if err != nil {
		return audit.Outcome{}, fmt.Errorf("deliver record %d of hub event %d of partition %s: %w",
			events[0].Record, events[0].Sequence, events[0].Partition, err)
	}
	return outcome, nil
}

// Accepted returns the ticket of the last body that the sink accepted, 0 before the first.
func (l *Session) Accepted() int64 { return l.tracker.Accepted() }

// Settled returns the highest ticket up to which all are settled. On a lane that is lost or
// closed it grows no more.
func (l *Session) Confirmed() int64 { return l.tracker.Confirmed() }

// Lost is closed when the sink may have lost what is not settled.
func (l *Session) Lost() <-chan struct{} { return l.tracker.Gone }

// Err says why the lane was lost; it is nil while it is not. It wraps ErrLost and holds no secret.
func (l *Session) Err() error { return l.tracker.Err() }

// Settle waits until everything that was accepted is settled. It fails when the lane is lost or
// ctx ends. Call it while nothing is being delivered.
func (l *Session) Confirm(ctx context.Context) error {
	for {
		wait := l.tracker.UntilConfirmed()
		if err := l.Err(); err != nil || wait == 0 {
			return err
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-l.Lost():
		case <-ctx.Done():
			timer.Stop()
			return context.Cause(ctx)
		}
		timer.Stop()
	}
}

// Close closes the connection. From then on nothing is settled or lost any more.
func (l *Session) Close() {
	l.tracker.Close()
	l.idle.Stop()
	l.client.CloseIdleConnections()
}

// closeIdle closes a connection that is not used, unless it has to be watched.
func (l *Session) closeIdle() {
	if wait := l.tracker.UntilUnwatched(); wait > 0 {
		l.idle.Reset(wait)
		return
	}
	l.client.CloseIdleConnections()
}
