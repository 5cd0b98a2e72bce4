package httpclient

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func server(t *testing.T, handler http.HandlerFunc) (*httptest.Server, *atomic.Int64) {
	t.Helper()
	var connections atomic.Int64
	srv := httptest.NewUnstartedServer(handler)
	srv.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	srv.Start()
	t.Cleanup(srv.Close)
	return srv, &connections
}

func client(t *testing.T, opts Options) *http.Client {
	t.Helper()
	if opts.Watcher == nil {
		opts.Watcher = ignoringWatcher{}
	}
	c := New(opts)
	t.Cleanup(c.CloseIdleConnections)
	return c
}

func post(ctx context.Context, c *http.Client, target, body string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	resp, err := c.Do(req)
	if err != nil {
		return nil, err
	}
	_, err = Drain(resp.Body)
	return resp, err
}

func TestConnectionsAreReused(t *testing.T) {
	srv, connections := server(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, strings.Repeat("x", 10_000))
	})
	c := client(t, Options{KeepAlive: true})
	for range 100 {
		_, err := post(t.Context(), c, srv.URL, "{}")
		require.NoError(t, err)
	}
	// net/http closes a connection if the goroutine that wrote the request has not said so within 50 ms of the answer
	// (transport.go, maxWriteWaitBeforeConnReuse). That can happen on a busy machine.
	assert.LessOrEqual(t, connections.Load(), int64(20))
}

func TestWithoutKeepAliveEachRequestHasItsOwnConnection(t *testing.T) {
	srv, connections := server(t, func(http.ResponseWriter, *http.Request) {})
	c := client(t, Options{KeepAlive: false})
	for range 10 {
		_, err := post(t.Context(), c, srv.URL, "{}")
		require.NoError(t, err)
	}
	assert.EqualValues(t, 10, connections.Load())
}

func TestARedirectIsTheAnswer(t *testing.T) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		var requests atomic.Int64
		srv, _ := server(t, func(w http.ResponseWriter, r *http.Request) {
			requests.Add(1)
			http.Redirect(w, r, "/elsewhere", status)
		})
		resp, err := post(t.Context(), client(t, Options{KeepAlive: true}), srv.URL, "{}")
		require.NoError(t, err)
		assert.Equal(t, status, resp.StatusCode)
		assert.EqualValues(t, 1, requests.Load(), "status %d was followed", status)
	}
}

func TestNoCompressionIsAskedFor(t *testing.T) {
	srv, _ := server(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Asked", r.Header.Get("Accept-Encoding"))
	})
	resp, err := post(t.Context(), client(t, Options{}), srv.URL, "{}")
	require.NoError(t, err)
	assert.Empty(t, resp.Header.Get("X-Asked"))
}

func TestOldTLSIsRefused(t *testing.T) {
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	srv.Config.ErrorLog = discardLog()
	srv.TLS = &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
	srv.StartTLS()
	t.Cleanup(srv.Close)
	_, err := post(t.Context(), trusting(t, srv), srv.URL, "{}")
	require.ErrorContains(t, err, "protocol version")
}

func TestHTTPSIsSpokenAsHTTP1(t *testing.T) {
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Proto", r.Proto)
	}))
	srv.EnableHTTP2 = true
	srv.StartTLS()
	t.Cleanup(srv.Close)
	resp, err := post(t.Context(), trusting(t, srv), srv.URL, "{}")
	require.NoError(t, err)
	assert.Equal(t, "HTTP/1.1", resp.Header.Get("X-Proto"))
}

// trusting returns a client that trusts the test server's certificate.
func trusting(t *testing.T, srv *httptest.Server) *http.Client {
	t.Helper()
	c := client(t, Options{KeepAlive: true})
	pool := x509.NewCertPool()
	pool.AddCert(srv.Certificate())
	c.Transport.(*http.Transport).TLSClientConfig.RootCAs = pool
	return c
}

func TestAnUntrustedCertificateIsRefused(t *testing.T) {
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	srv.Config.ErrorLog = discardLog()
	srv.StartTLS()
	t.Cleanup(srv.Close)
	_, err := post(t.Context(), client(t, Options{}), srv.URL, "{}")
	for errors.Is(err, context.DeadlineExceeded) { // a busy machine may not finish the handshake in time
		_, err = post(t.Context(), client(t, Options{}), srv.URL, "{}")
	}
	var unknown x509.UnknownAuthorityError
	require.ErrorAs(t, err, &unknown)
}

func TestTheClientSharesNothingWithTheDefaultOne(t *testing.T) {
	c := client(t, Options{KeepAlive: true})
	assert.NotSame(t, http.DefaultTransport, c.Transport)
	assert.Zero(t, c.Timeout, "each request has a deadline of its own")
}

func TestTheProxyOfTheEnvironmentIsUsed(t *testing.T) {
	proxy, _ := server(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "asked for "+r.URL.String())
	})
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = []string{"HTTP_PROXY=" + proxy.URL, fetchURL + "=http://sink.example/k8s-audit"}
	out, err := cmd.Output()
	require.NoError(t, err)
	assert.Equal(t, "asked for http://sink.example/k8s-audit", string(out))
}

func TestAProxyPasswordIsInNoError(t *testing.T) {
	for _, proxy := range []string{"http://me:hunter2@127.0.0.1:1", "http://me:hunter2@pro%zzxy", "socks9://me:hunter2@127.0.0.1:1"} {
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = []string{"HTTP_PROXY=" + proxy, fetchURL + "=http://127.1.1.1.invalid/k8s-audit"}
		out, err := cmd.CombinedOutput()
		require.Error(t, err)
		assert.NotContains(t, string(out), "hunter2")
	}
}
