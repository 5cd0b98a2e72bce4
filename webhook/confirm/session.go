package confirm

import (
	"context"
	"time"

	"aks-audit-log-go/webhook/queue"
)

// Session tracks the requests of one partition. Each accepted request has a sequence, which grows. If the sink may
// have lost one of them, the session is lost.
type Session struct {
	tracker *Tracker
	// accepted is the sequence of the last request. frozen is the last confirmed one when the session was lost or
	// closed.
	accepted, frozen int64
	// open is whether the session is neither lost nor closed.
	open bool
	// lasting ends when the session is lost, with the reason as its cause.
	lasting context.Context
	end     context.CancelCauseFunc
}

// Join returns a new session.
func (t *Tracker) Join() *Session {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := &Session{tracker: t, accepted: t.confirmed, open: true}
	s.lasting, s.end = context.WithCancelCause(context.Background()) // only a loss ends it, not a caller
	t.sessions[s] = struct{}{}
	return s
}

// Accepted returns the sequence of the last accepted request.
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

// Err returns why the session is lost, or nil. The error wraps ErrLost.
func (s *Session) Err() error { return context.Cause(s.lasting) }

// Hurry changes by n how many sessions wait until everything is confirmed. While one waits, barriers go without a
// pause.
func (t *Tracker) Hurry(n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.hurried += n
}

// Unconfirmed reports whether a request of the session is unconfirmed, and when to ask again: when changed is closed
// or after wait, if that is above 0.
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

// Close ends the session. None of its requests is confirmed or lost afterwards.
func (s *Session) Close() {
	s.tracker.mu.Lock()
	defer s.tracker.mu.Unlock()
	s.tracker.confirmByTime()
	s.leave()
}

// leave ends the session and keeps what is confirmed.
func (s *Session) leave() {
	if s.open {
		s.open, s.frozen = false, s.tracker.confirmed
		delete(s.tracker.sessions, s)
	}
}
