package hubclient

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azeventhubs/v2"
	"github.com/coder/websocket"
)

// webSocketDialer opens the connections of azeventhubs if AMQP goes over a WebSocket.
type webSocketDialer struct {
	tls *tls.Config
	// plain is set for Microsoft's emulator, which has no TLS.
	plain bool
	proxy func(*http.Request) (*url.URL, error)
}

// dial connects to the address that the SDK passes, wss://<host>/$servicebus/websocket.
func (d webSocketDialer) dial(ctx context.Context, params azeventhubs.WebSocketConnParams) (net.Conn, error) {
	address := params.Host
	if d.plain {
		address = strings.Replace(address, "wss://", "ws://", 1)
	}
	// Each connection has its own HTTP client, so that no idle connection is left after a refusal.
	transport := &http.Transport{Proxy: d.proxy, TLSClientConfig: d.tls.Clone(), DisableKeepAlives: true}
	socket, _, err := websocket.Dial(ctx, address, &websocket.DialOptions{ //nolint:bodyclose // the library needs no close
		HTTPClient:   &http.Client{Transport: transport},
		Subprotocols: []string{"amqp"},
	})
	if err != nil {
		return nil, fmt.Errorf("open a WebSocket to the event hub: %w", err)
	}
	// The connection outlives the call that opened it.
	return websocket.NetConn(context.WithoutCancel(ctx), socket, websocket.MessageBinary), nil
}
