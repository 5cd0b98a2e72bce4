package status

import (
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"aks-audit-log-go/internal/loglimit"
)

// The limits of the connections to the statistics port. The kubelet and Prometheus have one or two each, a browser
// six. A connection costs about 20 KiB.
const (
	maxByAddress   = 16
	maxConnections = 512
)

// connections closes connections to the statistics port when there are too many, of one address or in all. A new
// connection is never refused and never waits: the oldest one is closed for it. So the kubelet's probe is answered
// even if others hold all the connections, and even if they have the kubelet's address, as behind a NAT. A client
// whose idle connection was closed makes another one.
type connections struct {
	log      logrus.FieldLogger
	warnings loglimit.Limiter

	mu   sync.Mutex
	open map[net.Conn]*connection
	// changes counts the state changes of all connections.
	changes int64
}

type connection struct {
	address netip.Addr
	// busy is whether a request is being read or answered.
	busy bool
	// since is the number of the connection's last state change.
	since int64
}

func newConnections(log logrus.FieldLogger) *connections {
	return &connections{
		log: log, warnings: loglimit.Limiter{Interval: time.Minute}, open: map[net.Conn]*connection{},
	}
}

// note is the ConnState of an http.Server.
func (c *connections) note(conn net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		c.add(conn)
	case http.StateActive, http.StateIdle:
		c.mu.Lock()
		defer c.mu.Unlock()
		if known := c.open[conn]; known != nil {
			c.changes++
			known.busy, known.since = state == http.StateActive, c.changes
		}
	default:
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.open, conn)
	}
}

func (c *connections) add(conn net.Conn) {
	address := addressOf(conn)
	c.mu.Lock()
	surplus, why := c.surplus(address)
	delete(c.open, surplus)
	c.changes++
	c.open[conn] = &connection{address: address, since: c.changes}
	c.mu.Unlock()
	if surplus == nil {
		return
	}
	if next := c.warnings.Next(why); next.Log {
		c.log.WithField("address", address.String()).Warn(why)
	}
	// A reset, unlike the usual end, leaves nothing of the connection in the kernel.
	if tcp, ok := surplus.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = surplus.Close()
}

// surplus returns the connection to close for a new one of the address, and why, or nil.
func (c *connections) surplus(address netip.Addr) (surplus net.Conn, why string) {
	var oldest, oldestOfAddress net.Conn
	ofAddress := 0
	for conn, known := range c.open {
		if known.address == address {
			ofAddress++
			oldestOfAddress = c.first(oldestOfAddress, conn)
		}
		oldest = c.first(oldest, conn)
	}
	switch {
	case ofAddress >= maxByAddress:
		return oldestOfAddress, "too many connections to the statistics port from one address: the oldest are closed"
	case len(c.open) >= maxConnections:
		return oldest, "too many connections to the statistics port: the oldest are closed"
	}
	return nil, ""
}

// first returns which of two connections to close first: one that waits for a request before one that is busy, or else
// the one whose state changed longer ago. a can be nil.
func (c *connections) first(a, b net.Conn) net.Conn {
	if a == nil {
		return b
	}
	one, other := c.open[a], c.open[b]
	if one.busy != other.busy {
		if one.busy {
			return b
		}
		return a
	}
	if other.since < one.since {
		return b
	}
	return a
}

// addressOf returns the address of a connection's client without a port. An IPv4 address is the same over IPv6.
func addressOf(conn net.Conn) netip.Addr {
	if tcp, ok := conn.RemoteAddr().(*net.TCPAddr); ok {
		return tcp.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}
