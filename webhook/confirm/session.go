package confirm

import (
	"context"
	"time"

	"aks-audit-log-go/webhook/queue"
)

// Session is what a Tracker tracks for one partition. Each accepted request has a sequence, which grows. If the sink
// may have lost a request of the session, the session is lost.
type Session struct {
	tracker *Tracker
	// accepted is the sequence of the last request, and frozen the last one confirmed when the session was lost or
	// closed.
	accepted, frozen int64
	// open is whether the session is neither lost nor closed.
	open bool
	// lasting ends when the session is lost. Its cause is why.
	lasting context.Context
	end     context.CancelCauseFunc
}

// Join returns a new session.
func (t *Tracker) Join() *Session {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := &Session{tracker: t, accepted: t.confirmed, open: true}
	s.lasting, s.end = context.WithCancelCause(context.Background()) // only a loss ends it, and no caller
	t.sessions[s] = struct{}{}
	return s
}

// Accepted returns the sequence of the last request that was accepted.
func (s *Session) Accepted() int64 {
	s.tracker.mu.Lock()
	defer s.tracker.mu.Unlock()
	return s.accepted
}

// Confirmed returns the sequence up to which all requests of the session are confirmed.
func (s *Session) Confirmed() int64 {
	s.tracker.mu.Lock()
	defer s.tracker.mu.Unlock()
	s.tracker.confirmByTime()
	if s.open {
		return s.tracker.confirmed
	}
	return s.frozen
}

// Lasting ends when the session is lost.
func (s *Session) Lasting() context.Context { return s.lasting }

// Err returns why the session is lost, nil while it is not. The error wraps ErrLost.
func (s *Session) Err() error { return context.Cause(s.lasting) }

// Hurry changes by n how many sessions wait until everything is confirmed. While any does, barriers go without a pause.
func (t *Tracker) Hurry(n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.hurried += n
}

// Unconfirmed reports whether something of the session is not confirmed, and when to ask again: when changed is closed,
// or, if wait is above 0, after wait.
func (s *Session) Unconfirmed() (unconfirmed bool, changed <-chan struct{}, wait time.Duration) {
	t := s.tracker
	t.mu.Lock()
	defer t.mu.Unlock()
	t.confirmByTime()
	if !s.open || s.accepted <= t.confirmed {
		return false, nil, 0
	}
	if t.queue.Proof == queue.ByTime {
		wait = max(time.Until(t.queue.Until()), time.Nanosecond)
	}
	return true, t.changed, wait
}

// Close ends the session. Nothing of it is confirmed or lost afterwards.
func (s *Session) Close() {
	s.tracker.mu.Lock()
	defer s.tracker.mu.Unlock()
	s.tracker.confirmByTime()
	s.leave()
}

// leave ends the session with what is confirmed.
func (s *Session) leave() {
	if s.open {
		s.open, s.frozen = false, s.tracker.confirmed
		delete(s.tracker.sessions, s)
	}
}
