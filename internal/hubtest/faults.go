package hubtest

import (
	"time"

	"aks-audit-log-go/internal/hubtest/wire"
)

// faults are the faults that are on now. The server's mu guards them.
type faults struct {
	refuseAttaches    wire.Symbol
	refuseConnections bool
	refuseTokens      bool
	revokeRole        bool
	taken             int // tokens for which $cbs granted rights
	silenceCBS        bool
	unanswered        int           // requests that $cbs accepted while it was silent
	silence           chan struct{} // closed when the silence ends; nil if there is none
}

// DropConnections cuts all connections silently, as a broken network does. It returns how many. New connections are
// accepted.
func (s *Server) DropConnections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.conns)
	for c := range s.conns {
		c.drop()
	}
	clear(s.cbs)
	if n > 0 {
		clear(s.owners)
		s.hasChanged()
	}
	return n
}

// Detach detaches all receiver links of a partition ("" for all partitions) with this error. It returns how many. A
// client may attach again at once.
func (s *Server) Detach(partition, condition, description string) int {
	e := &wire.Error{Condition: wire.Symbol(condition), Description: description}
	return s.evict(func(l *outLink) bool { return partition == "" || l.partition.id == partition }, e)
}

// StealLinks detaches all receiver links of a partition ("" for all partitions), as if another reader had claimed it.
// It returns how many.
func (s *Server) StealLinks(partition string) int {
	return s.Detach(partition, string(condStolen), "New receiver 'thief' with higher epoch is created hence current receiver is getting disconnected.")
}

// RefuseAttaches makes the hub refuse each new link to itself and its partitions with this condition. "" ends that.
// $cbs, $management and existing links still work.
func (s *Server) RefuseAttaches(condition string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults.refuseAttaches = wire.Symbol(condition)
}

func (s *Server) attachesRefused() wire.Symbol {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.faults.refuseAttaches
}

// RefuseConnections makes the hub close each new connection before it reads a byte. Existing connections stay.
func (s *Server) RefuseConnections(refuse bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults.refuseConnections = refuse
}

// RefuseTokens makes $cbs answer 401 to every token. Granted claims stay.
func (s *Server) RefuseTokens(refuse bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults.refuseTokens = refuse
}

func (s *Server) tokensRefused() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.faults.refuseTokens
}

// RevokeRole takes the role from the identities of Microsoft Entra ID: their tokens are accepted, but grant no right.
// Granted claims stay, because it is not documented when the service revokes them.
func (s *Server) RevokeRole(revoke bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults.revokeRole = revoke
}

func (s *Server) roleRevoked() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.faults.revokeRole
}

// TokensTaken returns for how many tokens $cbs has granted rights since the server started.
func (s *Server) TokensTaken() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.faults.taken
}

func (s *Server) tokenTaken() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults.taken++
	s.hasChanged()
}

// SilenceCBS makes $cbs accept every token without processing or answering it, like a broken authorization service of
// a hub that otherwise works. These tokens are not answered later either.
func (s *Server) SilenceCBS(silent bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults.silenceCBS = silent
}

// UnansweredTokens returns how many tokens $cbs has left unanswered since the server started.
func (s *Server) UnansweredTokens() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.faults.unanswered
}

// leftUnanswered reports whether a token has to be left unanswered, and counts it if so.
func (s *Server) leftUnanswered() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.faults.silenceCBS {
		return false
	}
	s.faults.unanswered++
	s.hasChanged()
	return true
}

// DetachCBS detaches each link on which $cbs answers. It returns how many. After SilenceCBS, a client that waits for
// an answer is then left without a link for it. The links on which tokens are sent stay.
func (s *Server) DetachCBS() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.cbs)
	for l := range s.cbs {
		l.end(&wire.Error{Condition: condDetachForced, Description: "The link is detached by force."})
	}
	clear(s.cbs)
	return n
}

// ExpireClaims makes all claims expire now. Their links are detached with amqp:unauthorized-access, and the client has
// to put a new token first.
func (s *Server) ExpireClaims() {
	s.evict(func(l *outLink) bool { return !l.sess.c.trusted }, expired())
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		c.post(func() {
			clear(c.claims)
			c.endUnclaimed()
		})
	}
}

// SkewClock sets how far the hub's clock, by which it checks tokens, is ahead of ours. It is behind if ahead is
// negative. Granted claims are checked when their connection has something to do.
func (s *Server) SkewClock(ahead time.Duration) {
	s.skew.Store(int64(ahead))
}

// now returns the time by the hub's clock.
func (s *Server) now() time.Time { return time.Now().Add(time.Duration(s.skew.Load())) }

// GoSilent makes the hub send nothing on any connection, old or new, without closing it, as on a half-open connection.
// Nothing is lost: the hub sends everything when the silence ends.
func (s *Server) GoSilent(silent bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if silent == (s.faults.silence != nil) {
		return
	}
	if silent {
		s.faults.silence = make(chan struct{})
		return
	}
	close(s.faults.silence)
	s.faults.silence = nil
}

// silence returns a channel that is closed when the hub may send again, or nil if it may send now.
func (s *Server) silence() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.faults.silence == nil {
		return nil
	}
	return s.faults.silence
}

// Truncate removes all events of the partition below this sequence number, as retention does.
func (s *Server) Truncate(partition string, before int64) {
	if p := s.partition(partition); p != nil {
		p.truncate(before)
	}
}
