package harness

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/valyala/fastjson"
)

// sinkMode is how a sink answers POSTs.
type sinkMode int

const (
	sinkAccepts            sinkMode = iota
	sinkFails                       // answers 500
	sinkThrottles                   // answers 429 with Retry-After
	sinkSlow                        // answers after slowAnswer
	sinkResetsBeforeAnswer          // accepts, and resets the connection before the answer
	sinkResetsInAnswer              // accepts, and resets the connection within the answer
	sinkSilent                      // accepts, and does not answer
)

// slowAnswer is how long a slow sink takes for an answer.
const slowAnswer = 100 * time.Millisecond

// FaultySink is a webhook whose faults can be switched. It tells an Oracle each audit event that it accepts.
type FaultySink struct {
	oracle  *Oracle
	address string
	parsers fastjson.ParserPool
	// AnswerTime is how long the sink takes for each POST without a fault.
	AnswerTime time.Duration
	// connections is the number of open connections.
	connections atomic.Int64

	mu     sync.Mutex
	mode   sinkMode
	change chan struct{} // closed when the mode changes
	server *http.Server  // nil while connections are refused
	served chan struct{}
}

// StartFaultySink starts a sink on a free port. It keeps the port when it is restarted.
func StartFaultySink(t *testing.T, l *Oracle) *FaultySink {
	t.Helper()
	s := &FaultySink{oracle: l, address: FreeAddress(t), change: make(chan struct{})}
	require.NoError(t, s.openPort())
	t.Cleanup(s.closePort)
	return s
}

// URL returns the value for WEBSINKURL.
func (s *FaultySink) URL() string { return "http://" + s.address + "/k8s-audit" }

// openPort starts to serve, unless the sink already serves.
func (s *FaultySink) openPort() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.server != nil {
		return nil
	}
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", s.address)
	if err != nil {
		return fmt.Errorf("open the sink again: %w", err)
	}
	s.server = &http.Server{Handler: http.HandlerFunc(s.take), ReadHeaderTimeout: time.Minute, ConnState: s.count}
	served, server := make(chan struct{}), s.server
	s.served = served
	go func() {
		defer close(served)
		_ = server.Serve(listener)
	}()
	return nil
}

// count counts the open connections.
func (s *FaultySink) count(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		s.connections.Add(1)
	case http.StateClosed, http.StateHijacked:
		s.connections.Add(-1)
	default:
	}
}

// AwaitUnused waits until all connections are closed. Then the oracle has everything that a killed daemon posted.
func (s *FaultySink) AwaitUnused(t *testing.T) {
	t.Helper()
	Wait(t, func() bool { return s.connections.Load() == 0 }, "the connections of the one killed are closed")
}

// closePort closes the port and all connections, as a crash does.
func (s *FaultySink) closePort() {
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

// setMode changes the mode. POSTs that wait for an answer get one.
func (s *FaultySink) setMode(m sinkMode) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mode = m
	close(s.change)
	s.change = make(chan struct{})
}

// currentMode returns the mode and a channel that is closed when the mode changes.
func (s *FaultySink) currentMode() (sinkMode, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mode, s.change
}

// take handles a POST.
func (s *FaultySink) take(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client has closed the connection
	}
	m, change := s.currentMode()
	switch m {
	case sinkFails:
		http.Error(w, "try later", http.StatusInternalServerError)
		return
	case sinkThrottles:
		w.Header().Set("Retry-After", "1")
		http.Error(w, "too many", http.StatusTooManyRequests)
		return
	case sinkSlow:
		select {
		case <-change:
		case <-time.After(slowAnswer):
		case <-r.Context().Done():
		}
	}
	accepted := s.record(body)
	time.Sleep(s.AnswerTime)
	switch {
	case !accepted:
		http.Error(w, "refused for good", http.StatusBadRequest)
	case m == sinkResetsBeforeAnswer || m == sinkResetsInAnswer:
		ResetConnection(w, m == sinkResetsInAnswer)
	case m == sinkSilent:
		select {
		case <-change:
		case <-r.Context().Done():
		}
	}
}

// record tells the Oracle the audit events of a body, which is one audit event or a list. It returns false if the sink
// has to refuse the body. In that case no event of the body counts as arrived.
func (s *FaultySink) record(body []byte) bool {
	parser := s.parsers.Get()
	defer s.parsers.Put(parser)
	parsed, err := parser.ParseBytes(body)
	if err != nil {
		s.oracle.Arrive("", string(body))
		return true
	}
	items := parsed.GetArray() // nil, unless the body is an array
	switch {
	case parsed.Type() == fastjson.TypeArray:
	case string(parsed.GetStringBytes("kind")) == "EventList":
		items = parsed.GetArray("items")
	default:
		return s.oracle.Arrive(string(parsed.GetStringBytes("auditID")), string(body))
	}
	for _, item := range items {
		if id := string(item.GetStringBytes("auditID")); s.oracle.Refuses(id) {
			return s.oracle.Arrive(id, string(item.MarshalTo(nil)))
		}
	}
	for _, item := range items {
		s.oracle.Arrive(string(item.GetStringBytes("auditID")), string(item.MarshalTo(nil)))
	}
	return true
}

// ResetConnection resets the connection of a request, as a crash does. It does so before the answer, or within it if
// begun is true.
func ResetConnection(w http.ResponseWriter, begun bool) {
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
		_ = tcp.SetLinger(0) // sends RST instead of FIN
	}
	_ = conn.Close()
}
