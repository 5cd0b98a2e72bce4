package e2e

import (
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"aks-audit-log-go/internal/hubtest"
)

// firewall stands between the daemon and the hub. It can forget the connections through it, as one
// does that was restarted, or whose time for idle ones is over: neither end is told, and nothing
// gets through any more. New connections work.
type firewall struct {
	listener net.Listener
	target   string
	wg       sync.WaitGroup

	mu      sync.Mutex
	closed  bool
	passing []*passage
}

// passage is one connection through a firewall.
type passage struct {
	ends      [2]net.Conn
	forgotten atomic.Bool
}

// startFirewall puts one in front of the hub.
func startFirewall(t *testing.T, hub *hubtest.Server) *firewall {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	f := &firewall{listener: listener, target: hostOf(hub)}
	f.wg.Go(f.serve)
	t.Cleanup(f.close)
	return f
}

// hostOf is the host:port in a hub's connection string.
func hostOf(hub *hubtest.Server) string {
	_, rest, _ := strings.Cut(hub.ConnectionString(), "Endpoint=sb://")
	host, _, _ := strings.Cut(rest, "/")
	return host
}

// through is the hub's connection string with the way through the firewall.
func (f *firewall) through(hub *hubtest.Server) string {
	return strings.Replace(hub.ConnectionString(), hostOf(hub), f.listener.Addr().String(), 1)
}

func (f *firewall) serve() {
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
		p := &passage{ends: [2]net.Conn{near, far}}
		f.mu.Lock()
		f.passing = append(f.passing, p)
		if f.closed {
			p.close()
		}
		f.mu.Unlock()
		f.wg.Go(func() { p.carry(near, far) })
		f.wg.Go(func() { p.carry(far, near) })
	}
}

// carry hands on what from says, until either end closes; once forgotten, it swallows it.
func (p *passage) carry(from, to net.Conn) {
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

func (p *passage) close() {
	for _, end := range p.ends {
		_ = end.Close()
	}
}

// forget swallows, from now on, what comes over the connections that there are.
func (f *firewall) forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range f.passing {
		p.forgotten.Store(true)
	}
}

func (f *firewall) close() {
	f.mu.Lock()
	f.closed = true
	_ = f.listener.Close()
	for _, p := range f.passing {
		p.close()
	}
	f.mu.Unlock()
	f.wg.Wait()
}
