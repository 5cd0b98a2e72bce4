package httpclient

import (
	"net"
	"sync/atomic"
	"time"
)

// acknowledgedConn breaks when sent bytes are not acknowledged within ackTimeout. The limit holds only from the
// sending of a request to the first bytes of its answer: on an idle connection the system would apply it to the
// keep-alive probes too, in place of their own limit.
type acknowledgedConn struct {
	*net.TCPConn
	// limited says whether the limit holds now.
	limited atomic.Bool
}

// Write sets the limit and writes.
func (c *acknowledgedConn) Write(b []byte) (int, error) {
	c.limit(true, ackTimeout)
	return c.TCPConn.Write(b)
}

// Read reads, and removes the limit if it read anything.
func (c *acknowledgedConn) Read(b []byte) (int, error) {
	n, err := c.TCPConn.Read(b)
	if n > 0 {
		c.limit(false, 0)
	}
	return n, err
}

// limit sets or removes the limit, unless that is done already. Errors are ignored: a system may have no such limit.
func (c *acknowledgedConn) limit(limited bool, timeout time.Duration) {
	if c.limited.CompareAndSwap(!limited, limited) {
		_ = setAckTimeout(c.TCPConn, timeout)
	}
}
