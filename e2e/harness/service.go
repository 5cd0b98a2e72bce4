package harness

import (
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// Service behaves like a Kubernetes Service. New connections go to the current pod. Existing connections stay with
// their pod, and end with it.
type Service struct {
	URL      string
	listener net.Listener
	wg       sync.WaitGroup

	mu     sync.Mutex
	target string
	// open are the open connections. The value is true for those from clients, and false for those to pods.
	open map[net.Conn]bool
	// held is closed when the ends of connections are passed on again. It is nil while they are passed on.
	held chan struct{}
}

// StartService starts a Service in front of the webhook at url.
func StartService(t *testing.T, url string) *Service {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := &Service{listener: listener, open: map[net.Conn]bool{}}
	s.PointTo(url)
	s.URL = strings.Replace(url, s.target, listener.Addr().String(), 1)
	s.wg.Go(s.serve)
	t.Cleanup(s.close)
	return s
}

// PointTo changes the webhook for new connections.
func (s *Service) PointTo(url string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.target, _, _ = strings.Cut(strings.TrimPrefix(url, "http://"), "/")
}

// serve accepts connections.
func (s *Service) serve() {
	for {
		near, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.wg.Go(func() { s.connect(near) })
	}
}

// connect copies the data of one connection until either end closes it.
func (s *Service) connect(near net.Conn) {
	defer func() { _ = near.Close() }()
	s.mu.Lock()
	target := s.target
	s.mu.Unlock()
	far, err := net.Dial("tcp", target) //nolint:noctx // It is on loopback.
	if err != nil {
		return
	}
	defer func() { _ = far.Close() }()
	s.opened(near, far)
	defer s.ended(near, far)
	var both sync.WaitGroup
	carry := func(to, from net.Conn) {
		_, _ = io.Copy(to, from)
		s.awaitRelease()
		_ = to.Close()
		_ = from.Close()
	}
	both.Go(func() { carry(far, near) })
	both.Go(func() { carry(near, far) })
	both.Wait()
}

// opened adds the two connections of a client.
func (s *Service) opened(near, far net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open[near], s.open[far] = true, false
}

// ended removes the two connections of a client.
func (s *Service) ended(near, far net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, near)
	delete(s.open, far)
}

// AnswerUnasked sends an answer to each client, whether or not the client waits for one, and closes the connections.
func (s *Service) AnswerUnasked(t *testing.T, answer string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for conn, client := range s.open {
		if client {
			_, err := io.WriteString(conn, answer)
			require.NoError(t, err)
			require.NoError(t, conn.Close())
		}
	}
}

// HoldEnds holds back the end of a connection from its other side, until release is called.
func (s *Service) HoldEnds(t *testing.T) (release func()) {
	t.Helper()
	held := make(chan struct{})
	s.mu.Lock()
	s.held = held
	s.mu.Unlock()
	release = sync.OnceFunc(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.held = nil
		close(held)
	})
	t.Cleanup(release)
	return release
}

// awaitRelease waits while ends of connections are held.
func (s *Service) awaitRelease() {
	s.mu.Lock()
	held := s.held
	s.mu.Unlock()
	if held != nil {
		<-held
	}
}

// Connections returns how many connections are open.
func (s *Service) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.open) / 2
}

// close closes the port and all connections.
func (s *Service) close() {
	_ = s.listener.Close()
	s.mu.Lock()
	for conn := range s.open {
		_ = conn.Close()
	}
	s.mu.Unlock()
	s.wg.Wait()
}
