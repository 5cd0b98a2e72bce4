package harness

import (
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"aks-audit-log-go/internal/hubtest"
)

// Firewall is a proxy between the daemon and the hub. Like a firewall after a restart or an idle timeout, it can
// forget its connections. It then informs neither end, and drops all data. New connections work.
type Firewall struct {
	listener net.Listener
	target   string
	wg       sync.WaitGroup

	mu     sync.Mutex
	closed bool
	conns  []*firewallConn
}

// firewallConn is a connection through a firewall.
type firewallConn struct {
	ends      [2]net.Conn
	forgotten atomic.Bool
}

// StartFirewall starts a firewall in front of the hub.
func StartFirewall(t *testing.T, hub *hubtest.Server) *Firewall {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	f := &Firewall{listener: listener, target: HubHost(hub)}
	f.wg.Go(f.serve)
	t.Cleanup(f.close)
	return f
}

// HubHost returns the host:port in a hub's connection string.
func HubHost(hub *hubtest.Server) string {
	_, rest, _ := strings.Cut(hub.ConnectionString(), "Endpoint=sb://")
	host, _, _ := strings.Cut(rest, "/")
	return host
}

// ConnectionString returns the hub's connection string with the firewall's address.
func (f *Firewall) ConnectionString(hub *hubtest.Server) string {
	return strings.Replace(hub.ConnectionString(), HubHost(hub), f.listener.Addr().String(), 1)
}

// serve accepts connections, and connects each of them to the hub.
func (f *Firewall) serve() {
	for {
		near, err := f.listener.Accept()
		if err != nil {
			return
		}
		far, err := net.Dial("tcp", f.target) //nolint:noctx // It is on loopback.
		if err != nil {
			_ = near.Close()
			continue
		}
		p := &firewallConn{ends: [2]net.Conn{near, far}}
		f.mu.Lock()
		f.conns = append(f.conns, p)
		if f.closed {
			p.close()
		}
		f.mu.Unlock()
		f.wg.Go(func() { p.carry(near, far) })
		f.wg.Go(func() { p.carry(far, near) })
	}
}

// carry copies data until either end closes. It drops the data of forgotten connections.
func (p *firewallConn) carry(from, to net.Conn) {
	packet := make([]byte, 64<<10)
	for {
		n, err := from.Read(packet)
		if p.forgotten.Load() {
			if err != nil {
				return
			}
			continue
		}
		if err == nil {
			_, err = to.Write(packet[:n])
		}
		if err != nil {
			p.close()
			return
		}
	}
}

// close closes both ends.
func (p *firewallConn) close() {
	for _, end := range p.ends {
		_ = end.Close()
	}
}

// Forget drops all further data of the connections that are open now.
func (f *Firewall) Forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range f.conns {
		p.forgotten.Store(true)
	}
}

// close closes the port and all connections.
func (f *Firewall) close() {
	f.mu.Lock()
	f.closed = true
	_ = f.listener.Close()
	for _, p := range f.conns {
		p.close()
	}
	f.mu.Unlock()
	f.wg.Wait()
}
