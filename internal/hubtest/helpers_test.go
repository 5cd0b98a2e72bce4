package hubtest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azeventhubs/v2"
	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"
)

// failAfter bounds how long a test waits for what has to happen. It bounds failures only.
const failAfter = 2 * time.Minute

func testContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), failAfter)
	t.Cleanup(cancel)
	return ctx
}

func startServer(t *testing.T, cfg Config) *Server {
	t.Helper()
	s, err := Start(cfg)
	require.NoError(t, err)
	t.Cleanup(s.Close)
	return s
}

// waitReceivers waits until n receiver links are attached to the partition.
func waitReceivers(t *testing.T, s *Server, partition string, n int) {
	t.Helper()
	ctx := testContext(t)
	for {
		changed := s.Changed()
		if s.Receivers(partition) == n {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			require.FailNow(t, "no such number of receivers", "%d wanted, %d there", n, s.Receivers(partition))
		}
	}
}

// body is the n-th of a row of different bodies.
func body(n int) []byte { return fmt.Appendf(nil, "event %d", n) }

func appendBodies(s *Server, partition string, from, to int) {
	for n := from; n < to; n++ {
		s.Append(partition, body(n))
	}
}

// transportCase is one of the ways to reach a server.
type transportCase struct {
	name       string
	connection func(*Server) string
	dial       dialWebSocket // nil for none
}

func transports() []transportCase {
	return []transportCase{
		{"TLS", (*Server).ConnectionString, nil},
		{"plain TCP", (*Server).PlainConnectionString, nil},
		{"WebSocket over TLS", (*Server).ConnectionString, dialSecure},
		{"WebSocket over plain TCP", (*Server).PlainConnectionString, dialPlain},
	}
}

// dialWebSocket opens a WebSocket for azeventhubs.
type dialWebSocket func(ctx context.Context, s *Server, params azeventhubs.WebSocketConnParams) (net.Conn, error)

func dialSecure(ctx context.Context, s *Server, params azeventhubs.WebSocketConnParams) (net.Conn, error) {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(s.CAPEM())
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}}
	ws, _, err := websocket.Dial(ctx, params.Host, &websocket.DialOptions{HTTPClient: client, Subprotocols: []string{webSocketSubprotocol}})
	if err != nil {
		return nil, err
	}
	// The connection outlives the call that it is opened in.
	return websocket.NetConn(context.WithoutCancel(ctx), ws, websocket.MessageBinary), nil
}

// dialPlain is for what azeventhubs cannot do by itself: it asks for wss even of the plain port.
func dialPlain(ctx context.Context, s *Server, params azeventhubs.WebSocketConnParams) (net.Conn, error) {
	params.Host = strings.Replace(params.Host, "wss:", "ws:", 1)
	return dialSecure(ctx, s, params)
}

// webSocketOf gives the option of azeventhubs for the first of dial, nil if there is none.
func webSocketOf(s *Server, dial []dialWebSocket) func(context.Context, azeventhubs.WebSocketConnParams) (net.Conn, error) {
	if len(dial) == 0 || dial[0] == nil {
		return nil
	}
	return func(ctx context.Context, params azeventhubs.WebSocketConnParams) (net.Conn, error) {
		return dial[0](ctx, s, params)
	}
}

func clientTLS(t *testing.T, s *Server) *tls.Config {
	t.Helper()
	roots := x509.NewCertPool()
	require.True(t, roots.AppendCertsFromPEM(s.CAPEM()))
	// azeventhubs verifies "host:port" otherwise.
	return &tls.Config{RootCAs: roots, ServerName: "127.0.0.1", MinVersion: tls.VersionTLS12}
}

// quickRetry keeps the tests of refusals short.
func quickRetry() azeventhubs.RetryOptions {
	return azeventhubs.RetryOptions{MaxRetries: 3, RetryDelay: time.Millisecond, MaxRetryDelay: 10 * time.Millisecond}
}

func newConsumer(t *testing.T, s *Server, connection string, dial ...dialWebSocket) *azeventhubs.ConsumerClient {
	t.Helper()
	c, err := azeventhubs.NewConsumerClientFromConnectionString(connection, s.HubName(), azeventhubs.DefaultConsumerGroup,
		&azeventhubs.ConsumerClientOptions{TLSConfig: clientTLS(t, s), RetryOptions: quickRetry(), NewWebSocketConn: webSocketOf(s, dial)})
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close(testContext(t)) })
	return c
}

func newProducer(t *testing.T, s *Server, connection string, dial ...dialWebSocket) *azeventhubs.ProducerClient {
	t.Helper()
	c, err := azeventhubs.NewProducerClientFromConnectionString(connection, s.HubName(),
		&azeventhubs.ProducerClientOptions{TLSConfig: clientTLS(t, s), RetryOptions: quickRetry(), NewWebSocketConn: webSocketOf(s, dial)})
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close(testContext(t)) })
	return c
}

// earliest reads a partition from its start, without an epoch.
func earliest() *azeventhubs.PartitionClientOptions {
	return &azeventhubs.PartitionClientOptions{StartPosition: azeventhubs.StartPosition{Earliest: ptr(true)}}
}

func newReader(t *testing.T, c *azeventhubs.ConsumerClient, partition string, options *azeventhubs.PartitionClientOptions) *azeventhubs.PartitionClient {
	t.Helper()
	p, err := c.NewPartitionClient(partition, options)
	require.NoError(t, err)
	t.Cleanup(func() { _ = p.Close(testContext(t)) })
	return p
}

// receive gets exactly n events.
func receive(t *testing.T, p *azeventhubs.PartitionClient, n int) []*azeventhubs.ReceivedEventData {
	t.Helper()
	var all []*azeventhubs.ReceivedEventData
	for len(all) < n {
		events, err := p.ReceiveEvents(testContext(t), n-len(all), nil)
		require.NoError(t, err)
		all = append(all, events...)
	}
	return all
}

// requireBodies checks that the events are the bodies from first on, with contiguous sequence numbers.
func requireBodies(t *testing.T, events []*azeventhubs.ReceivedEventData, first int) {
	t.Helper()
	for i, e := range events {
		require.Equal(t, string(body(first+i)), string(e.Body))
		require.Equal(t, int64(first+i), e.SequenceNumber)
	}
}
