package confirm

import "time"

// Session is what a Tracker tracks for one partition. Each accepted request has a sequence, which grows. If the sink may
// have lost a request of the session, the session is lost.
type Session struct {
	tracker *Tracker
	// accepted is the sequence of the last request, and frozen the last one confirmed when the session was lost or closed.
	accepted, frozen int64
	// gone is closed when the session is lost. lost is why, nil while it is not.
	gone   chan struct{}
	lost   error
	closed bool
	// abort ends a delivery when the session is lost.
	abort func(error)
}

// Join returns a new session.
func (t *Tracker) Join() *Session {
	t.mu.Lock()
	defer t.mu.Unlock()
	return &Session{tracker: t, accepted: t.confirmed, gone: make(chan struct{})}
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
	return s.confirmed()
}

func (s *Session) confirmed() int64 {
	if s.lost != nil || s.closed {
		return s.frozen
	}
	return s.tracker.confirmed
}

// Lost is closed when the session is lost.
func (s *Session) Lost() <-chan struct{} { return s.gone }

// Err returns why the session is lost, nil while it is not. The error wraps ErrLost.
func (s *Session) Err() error {
	s.tracker.mu.Lock()
	defer s.tracker.mu.Unlock()
	return s.lost
}

// Hurry makes barriers go without a pause, until the caller calls calm, so that everything is confirmed soon.
func (s *Session) Hurry() (calm func()) {
	s.tracker.hurry(1)
	return func() { s.tracker.hurry(-1) }
}

func (t *Tracker) hurry(n int) {
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
	if s.lost != nil || s.closed || s.accepted <= t.confirmed {
		return false, nil, 0
	}
	if t.proof == byTime {
		wait = max(time.Until(t.waiting[0].since.Add(t.options.ConfirmTime)), time.Nanosecond)
	}
	return true, t.changed, wait
}

// AbortWith sets what is called when the session is lost; nil removes it. If the session is lost already, abort is
// called at once.
func (s *Session) AbortWith(abort func(error)) {
	s.tracker.mu.Lock()
	defer s.tracker.mu.Unlock()
	s.abort = abort
	if s.lost != nil && abort != nil {
		abort(s.lost)
	}
}

// Close ends the session. Nothing of it is confirmed or lost afterwards.
func (s *Session) Close() {
	s.tracker.mu.Lock()
	defer s.tracker.mu.Unlock()
	s.tracker.confirmByTime()
	s.frozen = s.confirmed()
	s.closed = true
}

// lose ends the session with what is confirmed.
func (s *Session) lose(why error, confirmed int64) {
	if s.lost != nil || s.closed {
		return
	}
	s.lost, s.frozen = why, confirmed
	close(s.gone)
	if s.abort != nil {
		s.abort(why)
	}
}
