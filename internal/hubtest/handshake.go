package hubtest

import (
	"bytes"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"time"

	"aks-audit-log-go/internal/hubtest/wire"
)

// handshakeTimeout bounds how long the handshake may take.
const handshakeTimeout = time.Minute

// ourIdleTimeOut is how long the hub allows a connection to be silent. The service has the same limit.
const ourIdleTimeOut = 240 * time.Second

// Protocol headers (part 2, section 2.2; part 5, section 5.3.1).
var (
	saslHeader = []byte("AMQP\x03\x01\x00\x00")
	amqpHeader = []byte("AMQP\x00\x01\x00\x00")
)

var errRefused = errors.New("peer refused")

// handshake does everything before the first session.
func (c *conn) handshake() error {
	if err := c.gate.SetDeadline(time.Now().Add(handshakeTimeout)); err != nil {
		return fmt.Errorf("set deadline: %w", err)
	}
	web, err := c.speaksHTTP()
	if err != nil {
		return err
	}
	if web {
		c.trace("<- HTTP")
		if err := c.upgrade(); err != nil {
			return err
		}
	}
	if err := c.expectHeader(saslHeader); err != nil {
		return err
	}
	if err := c.sasl(); err != nil {
		return err
	}
	if err := c.expectHeader(amqpHeader); err != nil {
		return err
	}
	if err := c.open(); err != nil {
		return err
	}
	if err := c.gate.SetDeadline(time.Time{}); err != nil {
		return fmt.Errorf("clear deadline: %w", err)
	}
	return nil
}

// expectHeader reads a protocol header, and answers with the wanted one. AMQP refuses other headers by the same
// answer.
func (c *conn) expectHeader(want []byte) error {
	got := make([]byte, len(want))
	if _, err := io.ReadFull(c.in, got); err != nil {
		return fmt.Errorf("read protocol header: %w", err)
	}
	if _, err := c.out.Write(want); err != nil {
		return fmt.Errorf("write protocol header: %w", err)
	}
	if err := c.flush(); err != nil {
		return err
	}
	if !bytes.Equal(got, want) {
		return fmt.Errorf("%w: protocol header %q", errRefused, got)
	}
	return nil
}

// sasl does the SASL exchange. Only PLAIN proves an identity; with the other mechanisms, $cbs does.
func (c *conn) sasl() error {
	offer := wire.Symbols("MSSBCBS", "PLAIN", "ANONYMOUS", "EXTERNAL")
	if err := c.sendSASL(&wire.SASLMechanisms{Mechanisms: offer}); err != nil {
		return err
	}
	f, err := c.readFrame()
	if err != nil {
		return err
	}
	init, ok := f.Body.(*wire.SASLInit)
	if !ok {
		return fmt.Errorf("%w: no SASL init", errRefused)
	}
	c.trace("<- sasl-init %s", init.Mechanism)
	granted := true
	switch init.Mechanism {
	case "ANONYMOUS", "EXTERNAL", "MSSBCBS":
	case "PLAIN":
		granted = plainGranted(init.InitialResponse, c.srv.cfg.KeyName, c.srv.cfg.Key)
		c.trusted = granted
	default:
		granted = false
	}
	var code uint8
	if !granted {
		code = 1
	}
	if err := c.sendSASL(&wire.SASLOutcome{Code: &code}); err != nil {
		return err
	}
	if !granted {
		return fmt.Errorf("%w: SASL %s", errRefused, init.Mechanism)
	}
	return nil
}

func (c *conn) sendSASL(p wire.Performative) error {
	if err := c.writeFrame(wire.Frame{Type: wire.FrameSASL, Body: p}); err != nil {
		return err
	}
	return c.flush()
}

// plainGranted checks the response of SASL PLAIN (RFC 4616). It has the form "<who to act as>\x00<key name>\x00<key>".
func plainGranted(response []byte, keyName, key string) bool {
	parts := bytes.Split(response, []byte{0})
	if len(parts) != 3 {
		return false
	}
	return string(parts[1]) == keyName && subtle.ConstantTimeCompare(parts[2], []byte(key)) == 1
}

// open exchanges the opens, and takes over the peer's limits.
func (c *conn) open() error {
	f, err := c.readFrame()
	if err != nil {
		return err
	}
	theirs, ok := f.Body.(*wire.Open)
	if !ok {
		return fmt.Errorf("%w: no open", errRefused)
	}
	c.trace("<- open %s", theirs.ContainerID)
	c.peerMaxFrame = ourMaxFrame
	if theirs.MaxFrameSize != nil && *theirs.MaxFrameSize < ourMaxFrame {
		// AMQP allows no less than 512 bytes. Less would not fit the header of a transfer.
		c.peerMaxFrame = max(512, int(*theirs.MaxFrameSize))
	}
	if theirs.IdleTimeOut != nil {
		c.heartbeat = time.Duration(*theirs.IdleTimeOut) * time.Millisecond / 2
	}
	ours := &wire.Open{
		ContainerID:  "hubtest",
		MaxFrameSize: ptr(uint32(ourMaxFrame)),
		ChannelMax:   ptr(uint16(4999)),
		IdleTimeOut:  ptr(uint32(ourIdleTimeOut / time.Millisecond)),
	}
	c.lastWrite = time.Now()
	c.send(0, ours)
	return c.flush()
}

func ptr[T any](v T) *T { return &v }
