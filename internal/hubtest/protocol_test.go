package hubtest

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aks-audit-log-go/internal/hubtest/wire"
)

// peer speaks AMQP frame by frame, for what no client can be made to do.
type peer struct {
	*transport
	t *testing.T
}

// rawPeer connects over plain TCP and gets as far as the open.
func rawPeer(t *testing.T, s *Server, open *wire.Open) *peer {
	t.Helper()
	p := dialRaw(t, s)
	p.header(saslHeader)
	_, ok := p.read().Body.(*wire.SASLMechanisms)
	require.True(t, ok)
	response := fmt.Sprintf("\x00%s\x00%s", s.cfg.KeyName, s.cfg.Key)
	require.NoError(t, p.writeFrame(wire.Frame{Type: wire.FrameSASL, Body: &wire.SASLInit{Mechanism: "PLAIN", InitialResponse: []byte(response)}}))
	require.NoError(t, p.flush())
	outcome, ok := p.read().Body.(*wire.SASLOutcome)
	require.True(t, ok)
	require.Equal(t, uint8(0), *outcome.Code)
	p.header(amqpHeader)
	p.send(open)
	_, ok = p.read().Body.(*wire.Open)
	require.True(t, ok)
	return p
}

func dialRaw(t *testing.T, s *Server) *peer {
	t.Helper()
	nc, err := (&net.Dialer{}).DialContext(testContext(t), "tcp", s.plain.Addr().String())
	require.NoError(t, err)
	p := &peer{newTransport(nc, nil, func() <-chan struct{} { return nil }), t}
	t.Cleanup(p.close)
	require.NoError(t, nc.SetDeadline(time.Now().Add(failAfter)))
	return p
}

// header exchanges a protocol header.
func (p *peer) header(h []byte) {
	p.t.Helper()
	_, err := p.rw.Write(h)
	require.NoError(p.t, err)
	got := make([]byte, len(h))
	_, err = io.ReadFull(p.in, got)
	require.NoError(p.t, err)
	require.Equal(p.t, h, got)
}

func (p *peer) send(body wire.Performative) { p.sendPayload(body, nil) }

func (p *peer) sendPayload(body wire.Performative, payload []byte) {
	p.t.Helper()
	require.NoError(p.t, p.writeFrame(wire.Frame{Body: body, Payload: payload}))
	require.NoError(p.t, p.flush())
}

func (p *peer) read() wire.Frame {
	p.t.Helper()
	f, err := p.readFrame()
	require.NoError(p.t, err)
	return f
}

// begin starts the session on channel 0.
func (p *peer) begin(incomingWindow uint32) {
	p.t.Helper()
	p.send(&wire.Begin{IncomingWindow: incomingWindow, OutgoingWindow: 100})
	_, ok := p.read().Body.(*wire.Begin)
	require.True(p.t, ok)
}

// expect reads a frame and wants this performative in it.
func expect[P wire.Performative](p *peer) (P, wire.Frame) {
	p.t.Helper()
	f := p.read()
	body, ok := f.Body.(P)
	require.True(p.t, ok, "a %T came", f.Body)
	return body, f
}

// attachReader attaches handle 0 to partition 0 and reads the answer.
func (p *peer) attachReader(s *Server) *wire.Attach {
	p.t.Helper()
	p.send(&wire.Attach{Name: "r", Role: wire.RoleReceiver, Source: &wire.Source{Address: consumerAddress(s, "0"),
		Filter: wire.Map{{Key: wire.Symbol("unknown"), Value: true}}}, Target: &wire.Target{}})
	a, _ := expect[*wire.Attach](p)
	return a
}

// credit sends a flow for handle 0.
func (p *peer) credit(nextID, window, deliveryCount, credit uint32, drain, echo bool) {
	p.t.Helper()
	p.send(&wire.Flow{NextIncomingID: &nextID, IncomingWindow: window, OutgoingWindow: 100,
		Handle: ptr(uint32(0)), DeliveryCount: &deliveryCount, LinkCredit: &credit, Drain: drain, Echo: echo})
}

func TestNeitherFrameSizeNorWindowIsExceeded(t *testing.T) {
	const frameSize, window = 512, 3
	s := startServer(t, Config{})
	content := []byte(strings.Repeat("0123456789", 500))
	s.Append("0", content)
	p := rawPeer(t, s, &wire.Open{ContainerID: "c", MaxFrameSize: ptr(uint32(frameSize))})
	p.begin(window)
	answer := p.attachReader(s)
	require.Nil(t, answer.Source.Filter, "a filter that is not in force must not be echoed")
	var message []byte
	for received, more := uint32(0), true; more; {
		p.credit(received, window, 0, 1, false, true)
		// The echo comes before the events: what follows it is what the new window lets through.
		f, _ := expect[*wire.Flow](p)
		require.Equal(t, received, f.NextOutgoingID)
		for range window {
			transfer, frame := expect[*wire.Transfer](p)
			require.LessOrEqual(t, len(frame.Payload), frameSize-wire.FrameHeaderSize)
			require.Equal(t, received == 0, transfer.DeliveryID != nil, "only the first frame names the delivery")
			require.True(t, transfer.Settled)
			message = append(message, frame.Payload...)
			received++
			if more = transfer.More; !more {
				break
			}
		}
	}
	m, err := wire.DecodeMessage(message)
	require.NoError(t, err)
	require.Equal(t, [][]byte{content}, m.Data)
}

func TestDrainGivesUnusedCreditBack(t *testing.T) {
	s := startServer(t, Config{})
	appendBodies(s, "0", 0, 2)
	p := rawPeer(t, s, &wire.Open{ContainerID: "c"})
	p.begin(100)
	p.attachReader(s)
	p.credit(0, 100, 0, 10, true, false)
	for range 2 {
		expect[*wire.Transfer](p)
	}
	f, _ := expect[*wire.Flow](p)
	require.Equal(t, uint32(10), *f.DeliveryCount)
	require.Equal(t, uint32(0), *f.LinkCredit)
	require.True(t, f.Drain)
	// Without credit nothing comes but the answer to an echo; with it, what has waited.
	s.Append("0", body(2))
	p.credit(2, 100, 10, 0, false, true)
	expect[*wire.Flow](p)
	p.credit(2, 100, 10, 1, false, false)
	transfer, _ := expect[*wire.Transfer](p)
	require.Equal(t, uint32(2), *transfer.DeliveryID)
}

func TestASessionFlowIsEchoed(t *testing.T) {
	s := startServer(t, Config{})
	p := rawPeer(t, s, &wire.Open{ContainerID: "c"})
	p.begin(100)
	p.send(&wire.Flow{NextIncomingID: ptr(uint32(0)), IncomingWindow: 5, OutgoingWindow: 5, Echo: true})
	f, _ := expect[*wire.Flow](p)
	require.Nil(t, f.Handle)
	require.Equal(t, uint32(incomingWindow), f.IncomingWindow)
}

func TestAQuietConnectionIsKeptAlive(t *testing.T) {
	s := startServer(t, Config{})
	p := rawPeer(t, s, &wire.Open{ContainerID: "c", IdleTimeOut: ptr(uint32(20))})
	for range 3 {
		require.Nil(t, p.read().Body)
	}
}

// attachProducer attaches handle 0 to the hub.
func (p *peer) attachProducer(s *Server) {
	p.t.Helper()
	p.send(&wire.Attach{Name: "s", Role: wire.RoleSender, Source: &wire.Source{}, Target: &wire.Target{Address: s.HubName()},
		InitialDeliveryCount: ptr(uint32(0))})
	a, _ := expect[*wire.Attach](p)
	require.Equal(p.t, uint64(maxMessageSize), a.MaxMessageSize)
	f, _ := expect[*wire.Flow](p)
	require.Equal(p.t, uint32(incomingCredit), *f.LinkCredit)
}

func TestAMessageOverAMegabyteEndsTheLink(t *testing.T) {
	s := startServer(t, Config{Partitions: 1})
	p := rawPeer(t, s, &wire.Open{ContainerID: "c"})
	p.begin(100)
	p.attachProducer(s)
	part := make([]byte, 60000)
	for n := 0; n <= maxMessageSize; n += len(part) {
		p.sendPayload(&wire.Transfer{DeliveryID: ptr(uint32(0)), DeliveryTag: []byte("t"), More: true}, part)
	}
	d, _ := expect[*wire.Detach](p)
	require.Equal(t, condMessageTooLarge, d.Error.Condition)
	require.True(t, s.Partition("0").Empty)
}

func TestATransferIsSettledAsItDeserves(t *testing.T) {
	sound, err := wire.AppendMessage(nil, &wire.Message{Data: [][]byte{body(0)}})
	require.NoError(t, err)
	s := startServer(t, Config{Partitions: 1})
	p := rawPeer(t, s, &wire.Open{ContainerID: "c"})
	p.begin(100)
	p.attachProducer(s)
	transfer := func(id uint32, settled, more, aborted bool, payload []byte) {
		p.sendPayload(&wire.Transfer{DeliveryID: &id, DeliveryTag: []byte{byte(id)}, Settled: settled, More: more, Aborted: aborted}, payload)
	}
	transfer(0, true, false, false, sound) // settled already: no answer
	transfer(0, true, true, false, sound[:3])
	transfer(0, false, false, false, sound[3:])
	transfer(1, false, true, false, sound)
	transfer(1, false, false, true, nil) // aborted: neither stored nor answered
	transfer(2, false, true, false, sound[:3])
	transfer(2, false, false, false, sound[3:])
	accepted, _ := expect[*wire.Disposition](p)
	require.Equal(t, uint32(2), accepted.First)
	require.Equal(t, any(wire.Accepted()), accepted.State)
	transfer(3, false, false, false, []byte("rubbish"))
	rejected, _ := expect[*wire.Disposition](p)
	require.Equal(t, uint32(3), rejected.First)
	state, ok := rejected.State.(wire.Described)
	require.True(t, ok)
	require.Equal(t, uint64(0x25), state.Descriptor)
	require.Equal(t, int64(2), s.Partition("0").LastSequence)
}

func TestTheSessionsWindowIsFilledUpAgain(t *testing.T) {
	s := startServer(t, Config{Partitions: 1})
	p := rawPeer(t, s, &wire.Open{ContainerID: "c"})
	p.begin(100)
	p.attachProducer(s)
	const sent = incomingWindow/2 + 1
	for range sent {
		p.send(&wire.Transfer{DeliveryID: ptr(uint32(0)), DeliveryTag: []byte("t"), Aborted: true})
	}
	f, _ := expect[*wire.Flow](p)
	require.Nil(t, f.Handle)
	require.Equal(t, uint32(sent), *f.NextIncomingID)
	require.Equal(t, uint32(incomingWindow), f.IncomingWindow)
}

func TestBrokenPeersAreToldWhy(t *testing.T) {
	for _, tc := range []struct {
		name string
		do   func(p *peer)
		want wire.Symbol
	}{
		{"frame on no session", func(p *peer) { p.send(&wire.Flow{}) }, condFramingError},
		{"begin twice", func(p *peer) {
			p.begin(1)
			p.send(&wire.Begin{})
		}, condFramingError},
		{"frame too large", func(p *peer) { p.write([]byte{0xff, 0, 0, 0}) }, condFramingError},
		{"frame too small", func(p *peer) { p.write([]byte{0, 0, 0, 7}) }, condFramingError},
		{"unknown performative", func(p *peer) { p.write([]byte{0, 0, 0, 12, 2, 0, 0, 0, 0, 0x53, 0x99, 0x45}) }, condFramingError},
		{"open twice", func(p *peer) {
			p.begin(1)
			p.send(&wire.Open{ContainerID: "c"})
		}, condFramingError},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := rawPeer(t, startServer(t, Config{}), &wire.Open{ContainerID: "c"})
			tc.do(p)
			c, _ := expect[*wire.Close](p)
			require.Equal(t, tc.want, c.Error.Condition)
			_, err := p.readFrame()
			require.Error(t, err)
		})
	}
}

// write sends bytes as they are.
func (p *peer) write(b []byte) {
	p.t.Helper()
	_, err := p.rw.Write(b)
	require.NoError(p.t, err)
}

func TestAHandleInUseEndsTheSession(t *testing.T) {
	s := startServer(t, Config{})
	p := rawPeer(t, s, &wire.Open{ContainerID: "c"})
	p.begin(100)
	p.attachReader(s)
	p.send(&wire.Attach{Name: "again", Role: wire.RoleReceiver, Source: &wire.Source{Address: consumerAddress(s, "1")}})
	e, _ := expect[*wire.End](p)
	require.Equal(t, condHandleInUse, e.Error.Condition)
	waitReceivers(t, s, "0", 0)
}

func TestAPeerThatDoesNotSpeakSASLIsRefused(t *testing.T) {
	p := dialRaw(t, startServer(t, Config{}))
	p.write(amqpHeader)
	got, err := io.ReadAll(p.in)
	require.NoError(t, err)
	require.Equal(t, saslHeader, got)
}
