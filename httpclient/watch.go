package httpclient

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
)

// ErrClosedHere is the end of a connection that this side closed, because a request timed out or was cancelled, an
// answer was too long, or the server sent something that was not requested.
var ErrClosedHere = errors.New("the connection was closed on this side")

// ErrClosedThere is the end of a connection that the server closed in good order.
var ErrClosedThere = errors.New("the server has closed the connection")

// Watcher is told when a client's connections begin and end. That works for idle connections too: net/http always has
// a read pending, so it notices the end at once. The methods are called on the client's goroutines, before the client
// itself learns of the event. They must not block.
type Watcher interface {
	// Dialling is called before each connection is made. An error forbids it.
	Dialling() error
	// Connected is called when a connection has been made.
	Connected()
	// DialFailed is called when a connection could not be made.
	DialFailed(err error)
	// Ended is called once for each connection, whichever side ended it. err is ErrClosedThere or ErrClosedHere if one
	// of the sides closed it.
	Ended(err error)
}

type watchedConn struct {
	net.Conn
	watcher Watcher
	// over is whether the end of the connection has been reported.
	over atomic.Bool
}

func (c *watchedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.report(err)
	return n, err
}

func (c *watchedConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.report(err)
	return n, err
}

// copyBuffers holds the buffers between bodies and connections.
var copyBuffers = sync.Pool{New: func() any { return new([64 << 10]byte) }}

// ReadFrom writes the bytes of r in larger pieces than net/http, and without a new buffer for each body.
func (c *watchedConn) ReadFrom(r io.Reader) (int64, error) {
	buffer := copyBuffers.Get().(*[64 << 10]byte)
	defer copyBuffers.Put(buffer)
	return io.CopyBuffer(struct{ io.Writer }{c}, r, buffer[:])
}

func (c *watchedConn) Close() error {
	c.end(ErrClosedHere)
	return c.Conn.Close()
}

// report reports the end of the connection if err means that.
func (c *watchedConn) report(err error) {
	switch {
	case err == nil || errors.Is(err, net.ErrClosed) || errors.Is(err, os.ErrDeadlineExceeded):
	case errors.Is(err, io.EOF):
		c.end(ErrClosedThere)
	default:
		c.end(err)
	}
}

// end reports the end of the connection, once.
func (c *watchedConn) end(err error) {
	if c.over.CompareAndSwap(false, true) {
		c.watcher.Ended(err)
	}
}
