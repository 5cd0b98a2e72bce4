package eventhubtest

import (
	"bufio"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/internal/hubtest"
)

// patience is how long a test waits for what has to happen. It bounds failures only.
const Patience = 2 * time.Minute

// hubClients are the implementations of Hub. What both have to do is tested with either.
var HubClients = []forwarder.HubClient{forwarder.ClientAzEventHubs, forwarder.ClientAzureEventHubsGo}

// withEachClient runs a test once with each of them.
func WithEachClient(t *testing.T, test func(t *testing.T, client forwarder.HubClient)) {
	t.Helper()
	for _, client := range HubClients {
		t.Run(string(client), func(t *testing.T) { test(t, client) })
	}
}

func TestConfig(t *testing.T, server *hubtest.Server, client forwarder.HubClient, changes ...string) forwarder.Config {
	t.Helper()
	set := map[string]string{
		"EHUBNAMESPACECONNECTIONSTRING": server.ConnectionString() + ";", "EVENTHUBNAME": server.HubName(),
		"EVENTHUBCLIENT": string(client), "CHECKPOINTDIR": t.TempDir(), "WEBSINKURL": "http://127.0.0.1/",
	}
	for _, change := range changes {
		name, value, _ := strings.Cut(change, "=")
		set[name] = value
	}
	var environ []string
	for name, value := range set {
		environ = append(environ, name+"="+value)
	}
	cfg, err := forwarder.Load(environ)
	require.NoError(t, err)
	return cfg
}

func TrustEmulator() (dir string, err error) {
	ca, err := hubtest.CA()
	if err != nil {
		return "", err
	}
	if dir, err = os.MkdirTemp("", "eventhub"); err != nil {
		return "", err
	}
	file := filepath.Join(dir, "ca.pem")
	if err := os.WriteFile(file, ca, 0o600); err != nil {
		return dir, err
	}
	return dir, os.Setenv("SSL_CERT_FILE", file)
}

// signature is a shared access signature for the emulator's hub, as `az eventhubs` or a script
// makes it (https://learn.microsoft.com/rest/api/eventhub/generate-sas-token).
func Signature(t *testing.T, server *hubtest.Server, end time.Time) string {
	t.Helper()
	connection := TestConfig(t, server, forwarder.ClientAzEventHubs).HubConnection
	resource := strings.ToLower(url.QueryEscape("amqps://" + connection.Host + "/" + server.HubName()))
	mac := hmac.New(sha256.New, []byte(connection.Key.Reveal()))
	_, _ = fmt.Fprintf(mac, "%s\n%d", resource, end.Unix())
	return fmt.Sprintf("SharedAccessSignature sr=%s&sig=%s&se=%d&skn=%s", resource,
		url.QueryEscape(base64.StdEncoding.EncodeToString(mac.Sum(nil))), end.Unix(), connection.KeyName)
}

func Nan() any { return math.NaN() }

// join copies both ways until either side ends.
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

// startTLSFront puts TLS with a certificate of an authority that nobody knows before the
// emulator's plain port, and returns its connection string and that authority.
func StartTLSFront(t *testing.T, server *hubtest.Server) (connection string, authority []byte) {
	t.Helper()
	certificate := httptest.NewTLSServer(http.NotFoundHandler())
	certificate.Close()
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: certificate.TLS.Certificates, MinVersion: tls.VersionTLS12})
	require.NoError(t, err)
	plain := TestConfig(t, server, forwarder.ClientAzEventHubs, "EHUBNAMESPACECONNECTIONSTRING="+server.PlainConnectionString()).HubConnection
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			client, err := listener.Accept()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			hub, err := new(net.Dialer).DialContext(context.Background(), "tcp", plain.Host)
			if err != nil {
				_ = client.Close()
				continue
			}
			go Join(hub, client, bufio.NewReader(client))
		}
	}()
	t.Cleanup(func() {
		_ = listener.Close()
		<-done
	})
	connection = "Endpoint=sb://" + listener.Addr().String() + ";SharedAccessKeyName=" + plain.KeyName + ";SharedAccessKey=" + plain.Key.Reveal()
	return connection, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Certificate().Raw})
}
