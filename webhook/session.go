package webhook

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"aks-audit-log-go/forwarder/audit"
	"aks-audit-log-go/httpclient"
	"aks-audit-log-go/internal/retry"
	"aks-audit-log-go/webhook/confirm"
)

// idleTimeout is how long a session's connection stays open while nothing is posted and nothing waits to be
// confirmed. It is shorter than what servers allow (Node.js 5 s, most others a minute or more, Falco's plugin no
// limit), so that the session closes the connection and not the server. It also soon releases pods that were
// replaced.
const idleTimeout = 4 * time.Second

// Session is one partition's way to the sink: at most one connection at a time, and a tracker of the requests that
// the sink has accepted over it. An answer of 2xx does not prove that the sink has used a request: Falco queues
// requests in memory and loses them if it dies. So each accepted request has a sequence, counted from 1, and is
// confirmed only when it must have left that queue. If the connection is lost before, the session is lost too: the
// events that are not confirmed have to be sent again, in another session.
//
// Deliver is for one goroutine at a time. The other methods are safe for concurrent use. The owner calls Close at the
// end.
type Session struct {
	poster  *Poster
	client  *http.Client
	tracker *confirm.Tracker
	idle    *time.Timer
	size    batchSize
	// splits holds the parts of a refused batch that are still to be delivered. The next part is the last element.
	splits []split
}

// OpenSession opens a session for one partition. The first Deliver makes the connection.
func (p *Poster) OpenSession() *Session {
	s := &Session{poster: p, size: newBatchSize(p.batchEvents, p.batchBytes), tracker: confirm.NewTracker(confirm.Options{
		ConfirmTime: p.settleTime, Replay: p.replay, KeepAlive: p.keepAlive, IdleCloses: &p.idleCloses,
	})}
	s.client = p.newClient(httpclient.Options{KeepAlive: p.keepAlive, Watcher: s.tracker, TLS: p.credentials.tls})
	s.idle = time.AfterFunc(idleTimeout, s.closeIdle)
	s.idle.Stop()
	return s
}

// Deliver posts a batch of the first events, as many as the sink takes at a time, and returns its outcome. The next
// call has to continue after them. The JSON of the events must never be changed: an abandoned POST may go on reading
// it for a while. Deliver returns no outcome only with an error:
//
//   - ctx ended: the POST in flight is abandoned. Whether the sink has taken it is not known. The error wraps
//     context.Cause(ctx) and, if there was one, the sink's last error.
//   - The session is lost: the same, at once, and the error wraps confirm.ErrLost.
//   - Poster.Stop was called: the batch is still posted, and the POST in flight may last until ctx ends. But Deliver
//     waits for nothing and retries nothing. The error wraps ErrStopping and the sink's last error.
//
// If the sink fails, Deliver waits and does not fail: that is the backpressure.
func (s *Session) Deliver(ctx context.Context, events []audit.Event) (audit.Outcome, error) {
	if len(events) == 0 {
		return audit.Outcome{}, nil
	}
	ctx, end := s.untilLost(ctx)
	defer end()
	outcome, err := s.deliverBatch(ctx, events)
	if err != nil {
		return audit.Outcome{}, fmt.Errorf("deliver record %d of hub event %d of partition %s: %w",
			events[0].Record, events[0].Sequence, events[0].Partition, err)
	}
	return outcome, nil
}

// Accepted returns the sequence of the last request that the sink accepted, 0 before the first.
func (s *Session) Accepted() int64 { return s.tracker.Accepted() }

// Confirmed returns the sequence up to which all requests are confirmed. It does not grow after the session is lost or
// closed.
func (s *Session) Confirmed() int64 { return s.tracker.Confirmed() }

// Lost is closed when the sink may have lost requests that are not confirmed.
func (s *Session) Lost() <-chan struct{} { return s.tracker.Lost() }

// Err returns why the session was lost, nil while it is not. The error wraps confirm.ErrLost and holds no secret.
func (s *Session) Err() error { return s.tracker.Err() }

// Confirm waits until everything that was accepted is confirmed. It fails if the session is lost or ctx ends. Call it
// while nothing is being delivered.
func (s *Session) Confirm(ctx context.Context) error {
	ctx, end := s.untilLost(ctx)
	defer end()
	for {
		wait := s.tracker.UntilNextConfirmed()
		if err := s.Err(); err != nil || wait == 0 {
			return err
		}
		if err := retry.Sleep(ctx, wait); err != nil {
			return err
		}
	}
}

// Close closes the connection. Nothing is confirmed or lost afterwards.
func (s *Session) Close() {
	s.tracker.Close()
	s.idle.Stop()
	s.client.CloseIdleConnections()
}

// untilLost returns a context that also ends when the session is lost, with Err as its cause. The caller calls end
// before the next untilLost.
func (s *Session) untilLost(ctx context.Context) (untilLost context.Context, end func()) {
	untilLost, cancel := context.WithCancelCause(ctx)
	s.tracker.AbortWith(cancel)
	return untilLost, func() {
		s.tracker.AbortWith(nil)
		cancel(nil)
	}
}

// beginRequest notes that the connection is in use.
func (s *Session) beginRequest() {
	s.idle.Stop()
	s.tracker.Begin()
}

// endRequest notes that the connection is idle.
func (s *Session) endRequest() {
	s.tracker.End()
	s.idle.Reset(idleTimeout)
}

// closeIdle closes the idle connection, or looks again later if the connection has to stay open.
func (s *Session) closeIdle() {
	if wait := s.tracker.KeepOpenFor(); wait > 0 {
		s.idle.Reset(wait)
		return
	}
	s.client.CloseIdleConnections()
}
