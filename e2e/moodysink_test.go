package e2e

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/valyala/fastjson"
)

// mood is how a sink treats its POSTs.
type mood int

const (
	accepting    mood = iota
	failing           // answers 500
	throttling        // answers 429 with Retry-After
	slow              // takes a while for each
	resettingOne      // takes it and resets the connection before it answers
	resettingTwo      // takes it and resets the connection in the middle of the answer
	silent            // takes it and does not answer
)

// slowAnswer is how long a slow sink takes.
const slowAnswer = 100 * time.Millisecond

// moodySink is a webhook that enters what it accepts in a ledger, and whose mood changes.
type moodySink struct {
	ledger  *ledger
	address string
	parsers fastjson.ParserPool
	// takes is how long it takes for each POST in the best of moods.
	takes time.Duration

	mu     sync.Mutex
	mood   mood
	change chan struct{} // closed when the mood changes
	server *http.Server  // nil while it refuses connections
	served chan struct{}
}

// startMoodySink serves on a port of its own, which stays the same.
func startMoodySink(t *testing.T, l *ledger) *moodySink {
	t.Helper()
	s := &moodySink{ledger: l, address: freeAddress(t), change: make(chan struct{})}
	require.NoError(t, s.open())
	t.Cleanup(s.shut)
	return s
}

func (s *moodySink) url() string { return "http://" + s.address + "/k8s-audit" }

// open serves again, if it does not.
func (s *moodySink) open() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.server != nil {
		return nil
	}
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", s.address)
	if err != nil {
		return fmt.Errorf("open the sink again: %w", err)
	}
	s.server = &http.Server{Handler: http.HandlerFunc(s.take), ReadHeaderTimeout: time.Minute}
	served, server := make(chan struct{}), s.server
	s.served = served
	go func() {
		defer close(served)
		_ = server.Serve(listener)
	}()
	return nil
}

// shut closes the port and every connection, as a sink that dies.
func (s *moodySink) shut() {
	s.mu.Lock()
	server, served := s.server, s.served
	s.server = nil
	s.mu.Unlock()
	if server == nil {
		return
	}
	_ = server.Close()
	<-served
}

// feel changes the mood. Who waits for an answer gets one.
func (s *moodySink) feel(m mood) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mood = m
	close(s.change)
	s.change = make(chan struct{})
}

func (s *moodySink) feels() (mood, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mood, s.change
}

func (s *moodySink) take(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client has gone
	}
	m, change := s.feels()
	switch m {
	case failing:
		http.Error(w, "try later", http.StatusInternalServerError)
		return
	case throttling:
		w.Header().Set("Retry-After", "1")
		http.Error(w, "too many", http.StatusTooManyRequests)
		return
	case slow:
		select {
		case <-change:
		case <-time.After(slowAnswer):
		case <-r.Context().Done():
		}
	}
	accepted := s.enter(body)
	time.Sleep(s.takes)
	switch {
	case !accepted:
		http.Error(w, "refused for good", http.StatusBadRequest)
	case m == resettingOne || m == resettingTwo:
		reset(w, m == resettingTwo)
	case m == silent:
		select {
		case <-change:
		case <-r.Context().Done():
		}
	}
}

// enter enters a body in the ledger, be it one audit event or a list. It answers false for one
// to refuse, of which nothing has arrived then.
func (s *moodySink) enter(body []byte) bool {
	parser := s.parsers.Get()
	defer s.parsers.Put(parser)
	parsed, err := parser.ParseBytes(body)
	if err != nil {
		s.ledger.arrive("", string(body))
		return true
	}
	if string(parsed.GetStringBytes("kind")) != "EventList" {
		return s.ledger.arrive(string(parsed.GetStringBytes("auditID")), string(body))
	}
	items := parsed.GetArray("items")
	for _, item := range items {
		if id := string(item.GetStringBytes("auditID")); s.ledger.refuses(id) {
			return s.ledger.arrive(id, string(item.MarshalTo(nil)))
		}
	}
	for _, item := range items {
		s.ledger.arrive(string(item.GetStringBytes("auditID")), string(item.MarshalTo(nil)))
	}
	return true
}

// reset closes the connection of a request as a crash does, before or in the middle of the answer.
func reset(w http.ResponseWriter, begun bool) {
	hijacker, ok := w.(http.Hijacker)
	if !ok {
		return
	}
	conn, _, err := hijacker.Hijack()
	if err != nil {
		return
	}
	if begun {
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\naccep")
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // a reset, not an end
	}
	_ = conn.Close()
}
