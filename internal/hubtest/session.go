package hubtest

import (
	"fmt"
	"math"

	"aks-audit-log-go/internal/hubtest/wire"
)

// The limits that the hub grants a session and its incoming links. A producer never waits long, and the data in
// transit is bounded.
const (
	incomingWindow = 2048 // transfer frames
	incomingCredit = 300  // messages of one link
	outgoingWindow = 1<<31 - 1
)

// session is an AMQP session. AMQP lets each side choose its channel and handles; the hub uses the peer's numbers.
type session struct {
	c            *conn
	channel      uint16
	nextOutgoing uint32 // the transfer id of our next frame
	nextDelivery uint32
	remoteWindow uint32 // how many transfer frames the peer accepts now
	nextIncoming uint32
	window       uint32 // how many transfer frames we accept before we send a flow
	out          map[uint32]*outLink
	in           map[uint32]*inLink
}

// begin starts a session.
func (c *conn) begin(channel uint16, b *wire.Begin) {
	if c.sessions[channel] != nil {
		c.fail(fmt.Sprintf("channel %d is in use", channel))
		return
	}
	s := &session{
		c:            c,
		channel:      channel,
		remoteWindow: b.IncomingWindow,
		nextIncoming: b.NextOutgoingID,
		window:       incomingWindow,
		out:          map[uint32]*outLink{},
		in:           map[uint32]*inLink{},
	}
	c.sessions[channel] = s
	c.send(channel, &wire.Begin{
		RemoteChannel:  ptr(channel),
		IncomingWindow: incomingWindow,
		OutgoingWindow: outgoingWindow,
		HandleMax:      ptr(uint32(1<<16 - 1)),
	})
}

func (s *session) send(p wire.Performative) { s.c.send(s.channel, p) }

// handle does what a frame on this session requests.
func (s *session) handle(f wire.Frame) {
	switch p := f.Body.(type) {
	case *wire.Attach:
		s.attach(p)
	case *wire.Flow:
		s.flow(p)
	case *wire.Transfer:
		s.transfer(p, f.Payload)
	case *wire.Disposition:
		// Everything is sent settled, so a disposition changes nothing.
	case *wire.Detach:
		s.detached(p)
	case *wire.End:
		s.send(&wire.End{})
		s.forget()
	default:
		s.c.fail(fmt.Sprintf("%T on channel %d", p, s.channel))
	}
}

// fail ends the session with an error.
func (s *session) fail(condition wire.Symbol, description string) {
	s.send(&wire.End{Error: &wire.Error{Condition: condition, Description: description}})
	s.forget()
}

// forget removes the session and its links.
func (s *session) forget() {
	for _, l := range s.out {
		l.remove()
	}
	delete(s.c.sessions, s.channel)
}

// flow takes over the peer's windows and credit, and answers if the peer asks for that.
func (s *session) flow(f *wire.Flow) {
	next := uint32(0) // the peer has not seen our begin yet
	if f.NextIncomingID != nil {
		next = *f.NextIncomingID
	}
	s.remoteWindow = left(next, f.IncomingWindow, s.nextOutgoing)
	if f.Handle == nil {
		if f.Echo {
			s.send(s.state())
		}
		return
	}
	if l := s.out[*f.Handle]; l != nil {
		l.grant(f)
	} else if l := s.in[*f.Handle]; l != nil && f.Echo {
		l.sendFlow()
	}
}

// left returns how many of the granted things are left. The peer counts them from seen, and we have already sent up to
// sent. The counters wrap around, and a peer may grant less than is in transit.
func left(seen, granted, sent uint32) uint32 {
	underway := int32(sent - seen) //nolint:gosec // serial number arithmetic (RFC 1982)
	return uint32(max(0, min(int64(granted)-int64(underway), math.MaxUint32)))
}

// state returns a flow with the session's own windows.
func (s *session) state() *wire.Flow {
	return &wire.Flow{
		NextIncomingID: ptr(s.nextIncoming),
		IncomingWindow: s.window,
		NextOutgoingID: s.nextOutgoing,
		OutgoingWindow: outgoingWindow,
	}
}

// transfer handles one frame of a message.
func (s *session) transfer(t *wire.Transfer, payload []byte) {
	s.nextIncoming++
	s.window--
	if s.window < incomingWindow/2 {
		s.window = incomingWindow
		s.send(s.state())
	}
	l := s.in[t.Handle]
	if l == nil {
		// We have just ended this link. AMQP requires that what was in transit is dropped.
		return
	}
	l.receive(t, payload)
}

// detached ends a link because the peer asks for it, or because the peer confirms that we ended it.
func (s *session) detached(d *wire.Detach) {
	out, in := s.out[d.Handle], s.in[d.Handle]
	if out == nil && in == nil {
		return
	}
	if out != nil {
		out.remove()
	}
	delete(s.in, d.Handle)
	s.send(&wire.Detach{Handle: d.Handle, Closed: true})
}

// endLink detaches a link with an error.
func (s *session) endLink(handle uint32, e *wire.Error) {
	if l := s.out[handle]; l != nil {
		l.remove()
	}
	delete(s.in, handle)
	s.send(&wire.Detach{Handle: handle, Closed: true, Error: e})
}
