package webhook

import (
	"context"
	"fmt"
	"sync"

	"aks-audit-log-go/forwarder/audit"
	"aks-audit-log-go/internal/retry"
	"aks-audit-log-go/webhook/confirm"
)

// Session is one partition's way to the sink. Each accepted request has a sequence. It is confirmed when the sink can
// no longer lose it (see package confirm). If the connection is lost before, the session is lost too, and the
// unconfirmed events must be sent again in another session.
//
// Deliver is for one goroutine at a time. The other methods are safe for concurrent use. The owner calls Close.
type Session struct {
	poster  *Poster
	tracked *confirm.Session
	// splits holds the remaining parts of a refused batch, the next one last.
	splits []split
	closed sync.Once
}

// OpenSession opens a session for one partition. The first Deliver makes the connection.
func (p *Poster) OpenSession() *Session {
	p.link.open()
	return &Session{poster: p, tracked: p.link.tracker.Join()}
}

// Deliver posts a batch of the first events, as many as the sink takes at a time, and returns its outcome. The next
// call continues after them. The JSON of the events must never be changed, because an abandoned POST may still read
// it. Deliver returns no outcome only with an error:
//
//   - ctx ended: the POST in flight is abandoned, and it is unknown whether the sink has taken it. The error wraps
//     context.Cause(ctx) and the sink's last error, if any.
//   - The session is lost: the POST is abandoned at once, and the error wraps confirm.ErrLost instead of the cause.
//   - Poster.Stop was called: the batch is still posted, and the POST may last until ctx ends. But Deliver neither
//     waits nor retries. The error wraps ErrStopping and the sink's last error.
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

// Accepted returns the sequence of the last accepted request.
func (s *Session) Accepted() int64 { return s.tracked.Accepted() }

// Confirmed returns the sequence up to which all requests are confirmed. It stops growing when the session is lost or
// closed.
func (s *Session) Confirmed() int64 { return s.tracked.Confirmed() }

// Lost is closed when the sink may have lost unconfirmed requests.
func (s *Session) Lost() <-chan struct{} { return s.tracked.Lasting().Done() }

// Err returns why the session was lost, or nil. The error wraps confirm.ErrLost and holds no secret.
func (s *Session) Err() error { return s.tracked.Err() }

// Confirm waits until every accepted request is confirmed. It fails if the session is lost or ctx ends. It must not
// run during Deliver.
func (s *Session) Confirm(ctx context.Context) error {
	ctx, end := s.untilLost(ctx)
	defer end()
	s.poster.link.tracker.Hurry(1)
	defer s.poster.link.tracker.Hurry(-1)
	s.poster.link.arm()
	for {
		unconfirmed, changed, wait := s.tracked.Unconfirmed()
		if !unconfirmed {
			return s.Err()
		}
		if err := retry.Await(ctx, changed, wait); err != nil {
			return err
		}
	}
}

// Close ends the session. Nothing is confirmed or lost afterwards.
func (s *Session) Close() {
	s.closed.Do(func() {
		s.tracked.Close()
		s.poster.link.close()
	})
}

// untilLost returns a context that also ends when the session is lost, with Err as its cause.
func (s *Session) untilLost(ctx context.Context) (untilLost context.Context, end func()) {
	untilLost, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(s.tracked.Lasting(), func() { cancel(s.Err()) })
	if err := s.Err(); err != nil { // AfterFunc does not call at once
		cancel(err)
	}
	return untilLost, func() {
		stop()
		cancel(nil)
	}
}
