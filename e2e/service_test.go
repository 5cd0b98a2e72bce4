package e2e

import (
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// service is a Kubernetes Service: an address whose new connections lead to the pod of the moment.
// Connections stay with the pod that they were made to, and end with it.
type service struct {
	url      string
	listener net.Listener
	wg       sync.WaitGroup

	mu     sync.Mutex
	target string
	open   map[net.Conn]bool
}

// startService leads to the webhook at url.
func startService(t *testing.T, url string) *service {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := &service{listener: listener, open: map[net.Conn]bool{}}
	s.leadTo(url)
	s.url = strings.Replace(url, s.target, listener.Addr().String(), 1)
	s.wg.Go(s.serve)
	t.Cleanup(s.close)
	return s
}

// leadTo changes where new connections lead.
func (s *service) leadTo(url string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.target, _, _ = strings.Cut(strings.TrimPrefix(url, "http://"), "/")
}

func (s *service) serve() {
	for {
		near, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.wg.Go(func() { s.connect(near) })
	}
}

// connect carries one connection until either end closes it.
func (s *service) connect(near net.Conn) {
	defer func() { _ = near.Close() }()
	s.mu.Lock()
	target := s.target
	s.mu.Unlock()
	far, err := net.Dial("tcp", target) //nolint:noctx // It is on loopback.
	if err != nil {
		return
	}
	defer func() { _ = far.Close() }()
	s.keep(true, near, far)
	defer s.keep(false, near, far)
	var both sync.WaitGroup
	carry := func(to, from net.Conn) {
		_, _ = io.Copy(to, from)
		_ = to.Close()
		_ = from.Close()
	}
	both.Go(func() { carry(far, near) })
	both.Go(func() { carry(near, far) })
	both.Wait()
}

func (s *service) keep(open bool, conns ...net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, conn := range conns {
		if open {
			s.open[conn] = true
		} else {
			delete(s.open, conn)
		}
	}
}

// connections is how many there are through it.
func (s *service) connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.open) / 2
}

func (s *service) close() {
	_ = s.listener.Close()
	s.mu.Lock()
	for conn := range s.open {
		_ = conn.Close()
	}
	s.mu.Unlock()
	s.wg.Wait()
}
