package httpclient

import (
	"net"
	"sync/atomic"
	"time"
)

// acknowledgedConn breaks when what was sent over it is not acknowledged within ackTimeout. The
// limit holds from the sending of a request to the first bytes of its answer only: on an idle
// connection the system would take it for the limit of its probes too, in place of their own.
type acknowledgedConn struct {
	*net.TCPConn
	// limited is whether the limit holds now.
	limited atomic.Bool
}

// Write sets the limit and writes.
func (c *acknowledgedConn) Write(b []byte) (int, error) {
	c.limit(true, ackTimeout)
	return c.TCPConn.Write(b)
}

// Read reads and takes the limit off when something came.
func (c *acknowledgedConn) Read(b []byte) (int, error) {
	n, err := c.TCPConn.Read(b)
	if n > 0 {
		c.limit(false, 0)
	}
	return n, err
}

// limit changes the limit if it is not so already. A system that has none does without.
func (c *acknowledgedConn) limit(limited bool, timeout time.Duration) {
	if c.limited.CompareAndSwap(!limited, limited) {
		_ = setAckTimeout(c.TCPConn, timeout)
	}
}
