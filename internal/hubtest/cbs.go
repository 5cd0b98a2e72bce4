package hubtest

import (
	"fmt"
	"strings"
	"time"

	"aks-audit-log-go/internal/hubtest/wire"
)

// claims are the entities that a connection may use, each with the time at which its claim expires.
type claims map[string]time.Time

func (c claims) cover(path string) bool {
	for granted := range c {
		if covers(granted, path) {
			return true
		}
	}
	return false
}

func (c claims) nextExpiry() (time.Time, bool) {
	var next time.Time
	for _, at := range c {
		if next.IsZero() || at.Before(next) {
			next = at
		}
	}
	return next, len(c) > 0
}

// expireClaims drops expired claims, and ends the links that they covered.
func (c *conn) expireClaims(now time.Time) {
	n := len(c.claims)
	for path, at := range c.claims {
		if !at.After(now) {
			delete(c.claims, path)
		}
	}
	if len(c.claims) != n {
		c.endUnclaimed()
	}
}

func expired() *wire.Error {
	return &wire.Error{Condition: condUnauthorized, Description: "ExpiredToken: The token is expired."}
}

// endUnclaimed detaches the links to entities that no claim covers any more.
func (c *conn) endUnclaimed() {
	if c.trusted {
		return
	}
	for _, s := range c.sessions {
		for handle, l := range s.out {
			if l.partition != nil && !c.claims.cover(l.path) {
				s.endLink(handle, expired())
			}
		}
		for handle, l := range s.in {
			if (l.address.node == nodeHub || l.address.node == nodePartition) && !c.claims.cover(l.address.path) {
				s.endLink(handle, expired())
			}
		}
	}
}

// enterCBS adds a link on which $cbs answers.
func (s *Server) enterCBS(l *outLink) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cbs[l] = true
}

// leaveCBS removes such a link.
func (s *Server) leaveCBS(l *outLink) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.cbs, l)
}

// putToken answers a request to $cbs.
func (c *conn) putToken(m *wire.Message) reply {
	p := m.ApplicationProperties
	if !strings.EqualFold(p.GetString("operation"), "put-token") {
		return reply{code: 400, description: "unknown operation"}
	}
	token, ok := m.Value.(string)
	if !ok {
		return reply{code: 401, description: "InvalidToken: the token is no string"}
	}
	if c.srv.tokensRefused() {
		return reply{code: 401, description: "InvalidSignature: The token has an invalid signature."}
	}
	entity := p.GetString("name")
	expiry, mayListen, err := c.srv.verify(token, p.GetString("type"), entity)
	if err != nil {
		return reply{code: 401, description: "InvalidToken: " + err.Error()}
	}
	// A token without a role is accepted all the same. The hub refuses the link later.
	if mayListen {
		c.claims[entityPath(entity)] = expiry
		c.srv.tokenTaken()
	}
	return reply{code: 202, description: "Accepted"}
}

// The types of token that $cbs accepts.
const (
	typeSAS = "servicebus.windows.net:sastoken"
	typeJWT = "jwt"
)

// verify checks a token. It returns when the token expires, and whether it grants the right to use the entity.
func (s *Server) verify(token, kind, entity string) (expiry time.Time, mayListen bool, err error) {
	switch kind {
	case typeSAS:
		expiry, err = verifySAS(token, s.cfg.KeyName, s.cfg.Key, entity, s.now())
		return expiry, err == nil, err
	case typeJWT:
		expiry, err = verifyJWT(token, s.cfg.TokenKey, s.now)
		return expiry, err == nil && !s.roleRevoked(), err
	default:
		return time.Time{}, false, fmt.Errorf("%w: unknown type", errToken)
	}
}
