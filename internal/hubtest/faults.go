package hubtest

import (
	"time"

	"aks-audit-log-go/internal/hubtest/wire"
)

// faults is what is wrong with the hub now. The server's mu guards it.
type faults struct {
	refuseAttaches    wire.Symbol
	refuseConnections bool
	refuseTokens      bool
	revokeRole        bool
	taken             int // tokens that $cbs granted
	silenceCBS        bool
	unanswered        int           // requests that $cbs took while it was silent
	silence           chan struct{} // closed when it ends; nil if there is none
}

// DropConnections cuts every connection silently, as a broken network does, and returns how many.
// New ones are taken.
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

// Detach detaches every receiver link of the partition ("" for all) with this error and returns how
// many. A client may attach again at once.
func (s *Server) Detach(partition, condition, description string) int {
	e := &wire.Error{Condition: wire.Symbol(condition), Description: description}
	return s.evict(func(l *outLink) bool { return partition == "" || l.partition.id == partition }, e)
}

// StealLinks detaches every receiver link of the partition ("" for all) as if somebody else had claimed
// it, and returns how many.
func (s *Server) StealLinks(partition string) int {
	return s.Detach(partition, string(condStolen), "New receiver 'thief' with higher epoch is created hence current receiver is getting disconnected.")
}

// RefuseAttaches has every new link to the hub and its partitions refused with this condition; "" allows
// them again. $cbs and $management, and links that are attached, are left alone.
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

// RefuseConnections has every new connection closed before a byte is read. Existing ones live on.
func (s *Server) RefuseConnections(refuse bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults.refuseConnections = refuse
}

// RefuseTokens has $cbs answer 401 to every token. Claims that were granted live on.
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

// RevokeRole has the identities of Microsoft Entra ID lose their role: their tokens are taken and give
// no right any more. Claims that were granted live on; when the service takes those is not documented.
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

// TokensTaken is how many tokens $cbs has granted rights for since the server started.
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

// SilenceCBS has $cbs take every token without doing anything with it or ever answering, as a broken
// authorization service behind a hub that works. What it took is not answered later either.
func (s *Server) SilenceCBS(silent bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults.silenceCBS = silent
}

// UnansweredTokens is how many tokens $cbs took in silence since the server started.
func (s *Server) UnansweredTokens() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.faults.unanswered
}

// leftUnanswered says whether a token is to be left unanswered, and counts it.
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

// DetachCBS detaches every link on which $cbs answers, and returns how many. Together with SilenceCBS it
// leaves a client alone that waits for an answer. The links on which tokens are sent stay.
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

// ExpireClaims has every claim run out now: its links are detached with amqp:unauthorized-access, and
// the client has to put a new token first.
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

// SkewClock has the hub's clock, by which it judges tokens, be ahead of ours by this much; a negative
// one is behind. Claims that were granted are looked at when their connection has something to do.
func (s *Server) SkewClock(ahead time.Duration) {
	s.skew.Store(int64(ahead))
}

// now is the time by the hub's clock.
func (s *Server) now() time.Time { return time.Now().Add(time.Duration(s.skew.Load())) }

// GoSilent has the hub say nothing any more, on connections old and new, without closing them: a
// connection that is half open. Nothing is lost; it says everything when the silence ends.
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

// silence is closed when the hub may speak again; nil if it may now.
func (s *Server) silence() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.faults.silence == nil {
		return nil
	}
	return s.faults.silence
}

// Truncate removes every event of the partition below this sequence number, as retention does.
func (s *Server) Truncate(partition string, before int64) {
	if p := s.partition(partition); p != nil {
		p.truncate(before)
	}
}
