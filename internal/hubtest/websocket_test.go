package hubtest

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	eventhub "github.com/Azure/azure-event-hubs-go/v3"
	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/internal/hubtest/wire"
)

// webSocketHeader is the header of a sound request; the key is the example of RFC 6455.
func webSocketHeader() http.Header {
	return http.Header{
		"Connection": {"keep-alive, Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Version": {"13"},
		"Sec-Websocket-Key": {"dGhlIHNhbXBsZSBub25jZQ=="}, "Sec-Websocket-Protocol": {"other, amqp"},
	}
}

func TestARequestForAWebSocketIsAnswered(t *testing.T) {
	s := startServer(t, Config{})
	for _, tc := range []struct {
		name   string
		path   string
		header func(h http.Header)
		want   int
	}{
		{"sound", webSocketPath, func(http.Header) {}, http.StatusSwitchingProtocols},
		{"from a page", webSocketPath, func(h http.Header) { h.Set("Origin", "http://localhost/") }, http.StatusSwitchingProtocols},
		{"another path", "/", func(http.Header) {}, http.StatusNotFound},
		{"no subprotocol", webSocketPath, func(h http.Header) { h.Del("Sec-WebSocket-Protocol") }, http.StatusBadRequest},
		{"another subprotocol", webSocketPath, func(h http.Header) { h.Set("Sec-WebSocket-Protocol", "amqp2") }, http.StatusBadRequest},
		{"no upgrade", webSocketPath, func(h http.Header) { h.Del("Upgrade") }, http.StatusUpgradeRequired},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := dialRaw(t, s)
			r, err := http.NewRequestWithContext(testContext(t), http.MethodGet, "http://"+s.plain.Addr().String()+tc.path, nil)
			require.NoError(t, err)
			r.Header = webSocketHeader()
			tc.header(r.Header)
			require.NoError(t, r.Write(p.rw))
			answer, err := http.ReadResponse(p.in, r)
			require.NoError(t, err)
			defer func() { require.NoError(t, answer.Body.Close()) }()
			require.Equal(t, tc.want, answer.StatusCode)
			if tc.want == http.StatusSwitchingProtocols {
				require.Equal(t, "amqp", answer.Header.Get("Sec-WebSocket-Protocol"))
				return
			}
			// A refusal is the last that the hub says.
			_, err = io.Copy(io.Discard, answer.Body)
			require.NoError(t, err)
			_, err = p.in.ReadByte()
			require.ErrorIs(t, err, io.EOF)
		})
	}
}

// dialSocket opens a WebSocket on the plain port.
func dialSocket(t *testing.T, s *Server) *websocket.Conn {
	t.Helper()
	options := &websocket.DialOptions{Subprotocols: []string{webSocketSubprotocol}}
	ws, _, err := websocket.Dial(testContext(t), "ws://"+s.plain.Addr().String()+webSocketPath, options)
	require.NoError(t, err)
	t.Cleanup(func() { _ = ws.CloseNow() })
	return ws
}

func TestFramesMayBeSpreadOverMessagesAtWill(t *testing.T) {
	s := startServer(t, Config{})
	ws := dialSocket(t, s)
	for _, b := range saslHeader {
		require.NoError(t, ws.Write(testContext(t), websocket.MessageBinary, []byte{b}))
	}
	stream := websocket.NetConn(testContext(t), ws, websocket.MessageBinary)
	p := &peer{newTransport(stream, nil, func() <-chan struct{} { return nil }), t}
	got := make([]byte, len(saslHeader))
	_, err := io.ReadFull(p.in, got)
	require.NoError(t, err)
	require.Equal(t, saslHeader, got)
	_, ok := p.read().Body.(*wire.SASLMechanisms)
	require.True(t, ok)
}

func TestAPingIsAnsweredAndTextIsNot(t *testing.T) {
	s := startServer(t, Config{})
	ws := dialSocket(t, s)
	// Somebody has to read, for the pong to be seen.
	read := make(chan error, 1)
	ctx := testContext(t)
	go func() {
		_, _, err := ws.Read(ctx)
		read <- err
	}()
	require.NoError(t, ws.Ping(ctx))
	require.NoError(t, ws.Write(ctx, websocket.MessageText, saslHeader))
	require.Equal(t, websocket.StatusUnsupportedData, websocket.CloseStatus(<-read))
}

func TestASilentHubDoesNotEvenUpgrade(t *testing.T) {
	s := startServer(t, Config{})
	s.GoSilent(true)
	p := dialRaw(t, s)
	request := "GET " + webSocketPath + " HTTP/1.1\r\nHost: hub\r\n"
	header := new(strings.Builder)
	require.NoError(t, webSocketHeader().Write(header))
	_, err := io.WriteString(p.rw, request+header.String()+"\r\n")
	require.NoError(t, err)
	require.NoError(t, p.rw.SetReadDeadline(time.Now().Add(50*time.Millisecond)))
	_, err = p.in.ReadByte()
	var timeout net.Error
	require.ErrorAs(t, err, &timeout)
	require.True(t, timeout.Timeout())
	require.NoError(t, p.rw.SetReadDeadline(time.Now().Add(failAfter)))
	s.GoSilent(false)
	line, err := p.in.ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "HTTP/1.1 101 Switching Protocols\r\n", line)
}

func TestCloseEndsASilentWebSocket(t *testing.T) {
	s := startServer(t, Config{})
	s.Append("0", body(0))
	p := newReader(t, newConsumer(t, s, s.ConnectionString(), dialSecure), "0", earliest())
	requireBodies(t, receive(t, p, 1), 0)
	s.GoSilent(true)
	s.Append("0", body(1))
	s.Close()
	require.Equal(t, 0, s.Receivers("0"))
}

func TestTheOldClientReadsThroughAWebSocket(t *testing.T) {
	traces := make(traceCounter, 1000)
	s := startServer(t, Config{Trace: traces.trace})
	s.Append("0", make([]byte, 1<<20))
	appendBodies(s, "0", 1, 101)
	hub, err := eventhub.NewHubFromConnectionString(s.ConnectionString()+";EntityPath="+s.HubName(), eventhub.HubWithWebSocketConnection())
	require.NoError(t, err)
	t.Cleanup(func() { _ = hub.Close(testContext(t)) })
	events, _ := listen(t, hub, "0", eventhub.ReceiveWithStartingOffset("-1"), eventhub.ReceiveWithEpoch(0))
	traces.await(t, "<- HTTP")
	require.Len(t, next(t, events).Data, 1<<20)
	for n := 1; n <= 100; n++ {
		require.Equal(t, string(body(n)), string(next(t, events).Data))
	}
	require.NoError(t, hub.Send(testContext(t), eventhub.NewEvent(body(0))))
}
