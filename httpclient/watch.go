package httpclient

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
)

// Watcher is told what becomes of a client's connections, also while they are idle: net/http
// always keeps a read pending, so that the end of one is noticed at once. Its methods are
// called on the client's goroutines, before the client itself learns of it; they must not block.
type Watcher interface {
	// Dialling is called before each connection is made. An error forbids it.
	Dialling() error
	// Connected is called when a connection has been made.
	Connected()
	// DialFailed is called when one could not be made.
	DialFailed(err error)
	// Dropped is called once for a connection that did not end at our wish: with io.EOF
	// where the other side closed it.
	Dropped(err error)
}

// watchedConn tells a Watcher of its end.
type watchedConn struct {
	net.Conn
	watcher Watcher
	// over is set once the connection has been closed by us, or its end has been told.
	over atomic.Bool
}

// Read reads and notices the end.
func (c *watchedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.judge(err)
	return n, err
}

// Write writes and notices the end.
func (c *watchedConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.judge(err)
	return n, err
}

// copyBuffers hold what is on its way from a body to its connection.
var copyBuffers = sync.Pool{New: func() any { return new([64 << 10]byte) }}

// ReadFrom writes what r gives, in larger pieces than net/http would, and without making a buffer
// for each body.
func (c *watchedConn) ReadFrom(r io.Reader) (int64, error) {
	buffer := copyBuffers.Get().(*[64 << 10]byte)
	defer copyBuffers.Put(buffer)
	return io.CopyBuffer(struct{ io.Writer }{c}, r, buffer[:])
}

// Close closes at our wish, which nobody is told of.
func (c *watchedConn) Close() error {
	c.over.Store(true)
	return c.Conn.Close()
}

func (c *watchedConn) judge(err error) {
	if err == nil || errors.Is(err, net.ErrClosed) || errors.Is(err, os.ErrDeadlineExceeded) {
		return
	}
	if c.over.CompareAndSwap(false, true) {
		c.watcher.Dropped(err)
	}
}
