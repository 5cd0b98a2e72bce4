package hubtest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/coder/websocket"
)

// The path at which the service accepts AMQP over WebSockets, and the subprotocol for it (OASIS AMQP WebSocket Binding
// 1.0, section 2.1).
const (
	webSocketPath        = "/$servicebus/websocket"
	webSocketSubprotocol = "amqp"
)

// speaksHTTP reports whether the peer begins with a request for a WebSocket instead of a protocol header.
func (t *transport) speaksHTTP() (bool, error) {
	head, err := t.in.Peek(4)
	if err != nil {
		return false, fmt.Errorf("read first bytes: %w", err)
	}
	return string(head) == "GET ", nil
}

// upgrade answers the request for a WebSocket. From then on, AMQP goes in its binary messages, as a stream: frames and
// messages need not end together.
func (t *transport) upgrade() error {
	r, err := http.ReadRequest(t.in)
	if err != nil {
		return fmt.Errorf("read HTTP request: %w", err)
	}
	w := &upgradeResponse{transport: t, header: http.Header{}}
	if r.URL.Path != webSocketPath {
		return w.refuse(http.StatusNotFound, "no such path")
	}
	if !offers(r, webSocketSubprotocol) {
		return w.refuse(http.StatusBadRequest, "the subprotocol amqp is not offered")
	}
	ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{
		Subprotocols: []string{webSocketSubprotocol},
		// The origin is for pages in browsers. azure-event-hubs-go sends a made-up one.
		InsecureSkipVerify: true,
	})
	if err != nil {
		return errors.Join(fmt.Errorf("accept WebSocket: %w", err), t.flush())
	}
	// The context needs no cancellation, because close cuts the connection.
	t.rw = websocket.NetConn(context.Background(), ws, websocket.MessageBinary)
	t.in = bufio.NewReaderSize(t.rw, ourMaxFrame)
	t.out = bufio.NewWriterSize(t.rw, 4*ourMaxFrame)
	return nil
}

// offers reports whether the client offers this subprotocol.
func offers(r *http.Request, subprotocol string) bool {
	offered := strings.Split(strings.Join(r.Header.Values("Sec-WebSocket-Protocol"), ","), ",")
	return slices.ContainsFunc(offered, func(s string) bool { return strings.TrimSpace(s) == subprotocol })
}

// upgradeResponse answers one HTTP request on a transport, and then gives the connection below to the WebSocket.
type upgradeResponse struct {
	*transport
	header http.Header
}

func (w *upgradeResponse) Header() http.Header { return w.header }

// WriteHeader writes the status line and the header. The flush returns the errors of the connection.
func (w *upgradeResponse) WriteHeader(code int) {
	if code != http.StatusSwitchingProtocols {
		w.header.Set("Connection", "close") // the body ends where the connection does
	}
	_, _ = fmt.Fprintf(w.out, "HTTP/1.1 %d %s\r\n", code, http.StatusText(code))
	_ = w.header.Write(w.out)
	_, _ = w.out.WriteString("\r\n")
}

func (w *upgradeResponse) Write(b []byte) (int, error) { return w.out.Write(b) }

func (w *upgradeResponse) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return cutOnClose{w.rw, w.transport}, bufio.NewReadWriter(w.in, w.out), w.flush()
}

func (w *upgradeResponse) refuse(code int, why string) error {
	http.Error(w, why, code)
	return errors.Join(fmt.Errorf("%w: %s", errRefused, why), w.flush())
}

// cutOnClose is a connection that is cut instead of closed: TLS would send a close message, which could block.
type cutOnClose struct {
	net.Conn
	transport *transport
}

func (c cutOnClose) Close() error { return c.transport.gate.Close() }
