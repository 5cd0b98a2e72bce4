package eventhubtest

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/internal/hubtest"
)

// StartTLSFront puts TLS in front of the emulator's plain port, with a certificate of an authority that no system
// trusts. It returns the connection string, and the authority as PEM.
func StartTLSFront(t *testing.T, server *hubtest.Server) (connection string, authority []byte) {
	t.Helper()
	certificate := httptest.NewTLSServer(http.NotFoundHandler())
	certificate.Close()
	listener, err := tls.Listen("tcp", "127.0.0.1:0",
		&tls.Config{Certificates: certificate.TLS.Certificates, MinVersion: tls.VersionTLS12})
	require.NoError(t, err)
	plain := EmulatorConfig(t, server, forwarder.ClientAzEventHubs,
		"EHUBNAMESPACECONNECTIONSTRING="+server.PlainConnectionString()).HubConnection
	done := make(chan struct{})
	go func() {
		defer close(done)
		forwardConnections(listener, plain.Host)
	}()
	t.Cleanup(func() {
		_ = listener.Close()
		<-done
	})
	connection = "Endpoint=sb://" + listener.Addr().String() +
		";SharedAccessKeyName=" + plain.KeyName + ";SharedAccessKey=" + plain.Key.Reveal()
	return connection, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Certificate().Raw})
}

// forwardConnections connects each client of the listener with a connection of its own to the host, until the listener
// is closed.
func forwardConnections(listener net.Listener, host string) {
	for {
		client, err := listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		hub, err := new(net.Dialer).DialContext(context.Background(), "tcp", host)
		if err != nil {
			_ = client.Close()
			continue
		}
		go Join(hub, client, bufio.NewReader(client))
	}
}

// Join copies in both directions until one side ends. fromClient reads from client.
func Join(hub, client net.Conn, fromClient *bufio.Reader) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = io.Copy(hub, fromClient)
		_ = hub.Close()
	}()
	_, _ = io.Copy(client, hub)
	_ = client.Close()
	<-done
}
