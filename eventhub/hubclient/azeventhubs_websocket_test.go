package hubclient

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azeventhubs/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/eventhub/azauth"
	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/internal/eventhubtest"
	"aks-audit-log-go/internal/hubtest"
	"aks-audit-log-go/internal/pemfile"
)

func TestEventsComeThroughAWebSocket(t *testing.T) {
	eventhubtest.WithEachClient(t, func(t *testing.T, client forwarder.HubClient) {
		server, err := hubtest.Start(hubtest.Config{Partitions: 1})
		require.NoError(t, err)
		t.Cleanup(server.Close)
		body := strings.Repeat("0123456789abcdef", 65_000)
		for range 20 {
			server.Append("0", []byte("small"))
		}
		server.Append("0", []byte(body))
		hub := newTestHub(t, server, client, "EVENTHUBTRANSPORT=websocket")
		partitions, err := hub.PartitionIDs(t.Context())
		require.NoError(t, err)
		assert.Equal(t, []string{"0"}, partitions)
		r := eventhubtest.StartReading(t, hub, "0", eventhub.Beginning())
		for sequence := range int64(20) {
			r.Expect(t, sequence)
		}
		assert.Equal(t, body, string(r.Next(t).Body), "a megabyte, too")
		server.StealLinks("0")
		require.ErrorIs(t, r.End(t), eventhub.ErrDisplaced)
	})
}

func TestAWebSocketThatIsCutIsOpenedAgain(t *testing.T) {
	server, hub := startAzEmulator(t, "EVENTHUBTRANSPORT=websocket")
	r := startRetrying(t, hub)
	for sequence := range int64(3) {
		server.Append("0", []byte("a"))
		r.Expect(t, sequence)
		server.DropConnections()
	}
	r.Stop(t)
}

func TestAServerWithoutWebSocketsIsAnError(t *testing.T) {
	server, _ := startAzEmulator(t)
	web := httptest.NewServer(http.NotFoundHandler())
	defer web.Close()
	hub := newTestHub(t, server, forwarder.ClientAzEventHubs, "EVENTHUBTRANSPORT=websocket",
		"EHUBNAMESPACECONNECTIONSTRING=Endpoint=sb://"+web.Listener.Addr().String()+";SharedAccessKeyName=k;SharedAccessKey=s3cr3t;UseDevelopmentEmulator=true")
	_, err := hub.PartitionIDs(t.Context())
	require.ErrorContains(t, err, "open a WebSocket to the event hub")
	assert.ErrorContains(t, err, "404")
	assert.NotContains(t, err.Error(), "s3cr3t")
}

func TestAWebSocketGoesThroughTheProxy(t *testing.T) {
	proxy := startProxy(t)
	server, err := hubtest.Start(hubtest.Config{Partitions: 1})
	require.NoError(t, err)
	t.Cleanup(server.Close)
	server.Append("0", []byte("a"))
	for name, connection := range map[string]string{
		"over TLS": server.ConnectionString(), "without TLS": server.PlainConnectionString(),
	} {
		t.Run(name, func(t *testing.T) {
			cfg := eventhubtest.EmulatorConfig(t, server, forwarder.ClientAzEventHubs, "EHUBNAMESPACECONNECTIONSTRING="+connection)
			hub, err := newAzEventHubs(cfg, "reader", nil)
			require.NoError(t, err)
			trust, err := hubTLS(cfg)
			require.NoError(t, err)
			// ProxyFromEnvironment would leave out a hub on loopback.
			dialer := webSocketDialer{tls: trust, plain: cfg.HubConnection.Emulator, proxy: http.ProxyURL(proxy.url)}
			hub.options.NewWebSocketConn = dialer.dial
			hub.consumer, err = hub.connect(sdkRetries)
			require.NoError(t, err)
			t.Cleanup(func() { closeHub(t, hub) })
			before := proxy.tunnels.Load()
			r := eventhubtest.StartReading(t, hub, "0", eventhub.Beginning())
			r.Expect(t, 0)
			r.Stop(t)
			assert.Greater(t, proxy.tunnels.Load(), before)
		})
	}
}

// connectProxy is an HTTP proxy that knows CONNECT and the plain forwarding of an upgrade.
type connectProxy struct {
	url     *url.URL
	tunnels atomic.Int32
}

func startProxy(t *testing.T) *connectProxy {
	t.Helper()
	proxy := &connectProxy{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		proxy.tunnels.Add(1)
		var dialer net.Dialer
		hub, err := dialer.DialContext(r.Context(), "tcp", r.Host)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		client, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			_ = hub.Close()
			return
		}
		if r.Method == http.MethodConnect {
			_, _ = io.WriteString(client, "HTTP/1.1 200 Connection established\r\n\r\n")
		} else {
			_ = r.Write(hub)
		}
		eventhubtest.Join(hub, client, buffered.Reader)
	}))
	t.Cleanup(server.Close)
	var err error
	proxy.url, err = url.Parse(server.URL)
	require.NoError(t, err)
	return proxy
}

func TestTheErrorOfAWrongProxyDoesNotShowItsPassword(t *testing.T) {
	wrong := errors.New(`invalid proxy address "http://user:s3cr3t@%zz"`)
	server, _ := startAzEmulator(t)
	cfg := eventhubtest.EmulatorConfig(t, server, forwarder.ClientAzEventHubs)
	trust, err := hubTLS(cfg)
	require.NoError(t, err)
	dialer := webSocketDialer{tls: trust, proxy: azauth.HideProxyValue(func(*http.Request) (*url.URL, error) { return nil, wrong })}
	_, err = dialer.dial(t.Context(), azeventhubs.WebSocketConnParams{Host: "wss://" + cfg.HubConnection.Host + "/$servicebus/websocket"})
	require.ErrorContains(t, err, "HTTPS_PROXY or HTTP_PROXY is not the address of a proxy")
	assert.NotContains(t, err.Error(), "s3cr3t")
}

func TestAPrivateAuthorityIsTrustedIfItIsConfigured(t *testing.T) {
	server, err := hubtest.Start(hubtest.Config{Partitions: 1})
	require.NoError(t, err)
	t.Cleanup(server.Close)
	server.Append("0", []byte("a"))
	connection, authority := eventhubtest.StartTLSFront(t, server)
	file := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(file, authority, 0o600))
	for _, transport := range []string{"amqp", "websocket"} {
		t.Run(transport, func(t *testing.T) {
			set := []string{"EHUBNAMESPACECONNECTIONSTRING=" + connection, "EVENTHUBTRANSPORT=" + transport}
			unknown := newTestHub(t, server, forwarder.ClientAzEventHubs, set...)
			_, err := unknown.PartitionIDs(t.Context())
			require.ErrorContains(t, err, "certificate signed by unknown authority")

			known := newTestHub(t, server, forwarder.ClientAzEventHubs, append(set, "EVENTHUBCAFILE="+file)...)
			r := eventhubtest.StartReading(t, known, "0", eventhub.Beginning())
			r.Expect(t, 0)
			r.Stop(t)

			// The system's authorities, here SSL_CERT_FILE's, remain.
			both := newTestHub(t, server, forwarder.ClientAzEventHubs, "EVENTHUBTRANSPORT="+transport, "EVENTHUBCAFILE="+file)
			_, err = both.PartitionIDs(t.Context())
			require.NoError(t, err)
		})
	}
}

func TestAFileWithoutAuthoritiesIsAnErrorAtTheStart(t *testing.T) {
	server, _ := startAzEmulator(t)
	empty := filepath.Join(t.TempDir(), "empty.pem")
	require.NoError(t, os.WriteFile(empty, []byte("no certificate"), 0o600))
	_, err := New(eventhubtest.EmulatorConfig(t, server, forwarder.ClientAzEventHubs, "EVENTHUBCAFILE="+empty), "reader")
	require.ErrorIs(t, err, pemfile.ErrNoCertificate)
	_, err = New(eventhubtest.EmulatorConfig(t, server, forwarder.ClientAzEventHubs, "EVENTHUBCAFILE="+empty+".missing"), "reader")
	require.ErrorIs(t, err, os.ErrNotExist)
	assert.ErrorContains(t, err, "EVENTHUBCAFILE")
}
