package hubtest

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"sync"

	"aks-audit-log-go/internal/hubtest/wire"
)

// ourMaxFrame is the largest frame that the hub accepts, as it tells the peer. The service has the same limit.
const ourMaxFrame = 65536

// gate is a socket that sends nothing while the hub is silent. It is below TLS, so that a TLS handshake is silent too.
type gate struct {
	net.Conn
	silence func() <-chan struct{} // closed when the hub may send again; nil if it may send now
	once    sync.Once
	gone    chan struct{}
}

func newGate(nc net.Conn, silence func() <-chan struct{}) *gate {
	return &gate{Conn: nc, silence: silence, gone: make(chan struct{})}
}

// Write waits until the silence has ended, and then writes.
func (g *gate) Write(b []byte) (int, error) {
	for {
		over := g.silence()
		if over == nil {
			return g.Conn.Write(b)
		}
		select {
		case <-over:
		case <-g.gone:
			return 0, net.ErrClosed
		}
	}
}

// Close closes the socket, and ends the calls of Write that wait for the end of the silence.
func (g *gate) Close() error {
	err := net.ErrClosed
	g.once.Do(func() {
		close(g.gone)
		err = g.Conn.Close()
	})
	return err
}

// transport reads and writes frames.
type transport struct {
	gate *gate
	rw   net.Conn // the gate, or TLS over it, or a WebSocket over either
	in   *bufio.Reader
	out  *bufio.Writer
}

func newTransport(nc net.Conn, tlsConfig *tls.Config, silence func() <-chan struct{}) *transport {
	t := &transport{gate: newGate(nc, silence)}
	t.rw = t.gate
	if tlsConfig != nil {
		t.rw = tls.Server(t.gate, tlsConfig)
	}
	t.in = bufio.NewReaderSize(t.rw, ourMaxFrame)
	t.out = bufio.NewWriterSize(t.rw, 4*ourMaxFrame)
	return t
}

// close closes the socket below TLS. TLS would send a close message, which could block.
func (t *transport) close() {
	// Readers and writers get the error, so it is ignored here.
	_ = t.gate.Close()
}

// readFrame reads the next frame into a buffer of its own.
func (t *transport) readFrame() (wire.Frame, error) {
	var head [4]byte
	if _, err := io.ReadFull(t.in, head[:]); err != nil {
		return wire.Frame{}, fmt.Errorf("read frame: %w", err)
	}
	size := wire.FrameSize(head)
	if size < wire.FrameHeaderSize || size > ourMaxFrame {
		return wire.Frame{}, fmt.Errorf("read frame: %w: %d bytes", wire.ErrMalformed, size)
	}
	buf := make([]byte, size)
	copy(buf, head[:])
	if _, err := io.ReadFull(t.in, buf[4:]); err != nil {
		return wire.Frame{}, fmt.Errorf("read frame: %w", err)
	}
	return wire.DecodeFrame(buf)
}

// writeFrame writes f into the output buffer.
func (t *transport) writeFrame(f wire.Frame) error {
	buf, err := wire.AppendFrame(nil, f)
	if err != nil {
		return err
	}
	if _, err := t.out.Write(buf); err != nil {
		return fmt.Errorf("write frame: %w", err)
	}
	return nil
}

func (t *transport) flush() error {
	if err := t.out.Flush(); err != nil {
		return fmt.Errorf("write frames: %w", err)
	}
	return nil
}
