package status

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/sirupsen/logrus"
	"github.com/sirupsen/logrus/hooks/test"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/forwarder/health"
)

func noStatus() Status { return Status{} }

// startServer starts a server on a free port. At the end of the test it stops the server and checks that it ends
// without an error.
func startServer(t *testing.T, reg *prometheus.Registry, health *health.Health) *Server {
	t.Helper()
	log, _ := test.NewNullLogger()
	return serveUntilEnd(t, NewServer("127.0.0.1:0", nil, reg, health, noStatus, nil, log))
}

// serveUntilEnd does the same with a given server.
func serveUntilEnd(t *testing.T, server *Server) *Server {
	t.Helper()
	require.NoError(t, server.Listen(t.Context()))
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		assert.NoError(t, <-ended)
	})
	return server
}

// request sends one request on a connection of its own.
func request(t *testing.T, server *Server, method, path string) (*http.Response, string) {
	t.Helper()
	return requestType(t, server, method, path, "")
}

// requestType sends one request with an Accept header, as a browser does.
func requestType(t *testing.T, server *Server, method, path, accept string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://"+server.Addr()+path, nil)
	require.NoError(t, err)
	req.Close = true
	if accept != "" {
		req.Header.Set("Accept", accept)
	}
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	return res, string(body)
}

func TestTheServerAnswers(t *testing.T) {
	stats, reg, _ := newStatistics(t)
	stats.EventsSent(1)
	server := startServer(t, reg, health.NewHealth())
	tests := []struct {
		method, path string
		status       int
		body         string
	}{
		{"GET", "/metrics", 200, "\nfalco_aks_audit_log_events 1\n"},
		{"HEAD", "/metrics", 200, ""},
		{"POST", "/metrics", 405, "Method Not Allowed"},
		{"GET", "/healthz", 200, "ok\n"},
		{"HEAD", "/healthz", 200, ""},
		{"DELETE", "/healthz", 405, "Method Not Allowed"},
		{"GET", "/readyz", 503, "not ready: no partition is owned yet: no balancing round has ended\n"},
		{"HEAD", "/readyz", 503, ""},
		{"PUT", "/readyz", 405, "Method Not Allowed"},
		{"GET", "/", 200, "/readyz"},
		{"POST", "/", 405, "Method Not Allowed"},
		{"GET", "/debug/pprof/", 404, "404 page not found"},
	}
	for _, test := range tests {
		t.Run(test.method+" "+test.path, func(t *testing.T) {
			res, body := request(t, server, test.method, test.path)
			assert.Equal(t, test.status, res.StatusCode)
			assert.Contains(t, body, test.body)
		})
	}
}

func TestReadyzFollowsTheHealth(t *testing.T) {
	health := health.NewHealth()
	server := startServer(t, prometheus.NewRegistry(), health)
	health.Ownership(2, 4, 0)
	res, body := request(t, server, "GET", "/readyz")
	assert.Equal(t, 200, res.StatusCode)
	assert.Equal(t, "ready: owning 2 of 4 partitions\n", body)
	assert.Equal(t, "no-store", res.Header.Get("Cache-Control"))
	assert.Equal(t, "text/plain; charset=utf-8", res.Header.Get("Content-Type"))

	health.SinkFailing("0", "503 Service Unavailable")
	res, body = request(t, server, "GET", "/readyz")
	assert.Equal(t, 503, res.StatusCode)
	assert.Contains(t, body, "503 Service Unavailable")
	res, _ = request(t, server, "GET", "/healthz")
	assert.Equal(t, 200, res.StatusCode, "a restart would not bring the sink back")
}

func TestAPortInUseIsAnErrorAtOnce(t *testing.T) {
	first := startServer(t, prometheus.NewRegistry(), health.NewHealth())
	log, _ := test.NewNullLogger()
	second := NewServer(first.Addr(), nil, prometheus.NewRegistry(), health.NewHealth(), noStatus, nil, log)
	err := second.Listen(t.Context())
	require.ErrorContains(t, err, "listen for statistics on "+first.Addr()+": ")
	assert.ErrorContains(t, err, "address already in use")
	assert.Equal(t, first.Addr(), second.Addr(), "the address before Listen")
	assert.ErrorContains(t, second.Serve(t.Context()), "not listening")
}

func TestAServerWhoseListenerIsClosedReturnsAnError(t *testing.T) {
	log, _ := test.NewNullLogger()
	server := NewServer("127.0.0.1:0", nil, prometheus.NewRegistry(), health.NewHealth(), noStatus, nil, log)
	require.NoError(t, server.Listen(t.Context()))
	require.NoError(t, server.listener.Close())
	require.ErrorContains(t, server.Serve(t.Context()), "serve statistics on "+server.Addr())
}

type blockingCollector struct{ entered, release chan struct{} }

func (c blockingCollector) Describe(chan<- *prometheus.Desc) {}
func (c blockingCollector) Collect(chan<- prometheus.Metric) {
	close(c.entered)
	<-c.release
}

func TestARequestInFlightIsAnsweredBeforeTheEnd(t *testing.T) {
	reg := prometheus.NewRegistry()
	scrape := blockingCollector{make(chan struct{}), make(chan struct{})}
	reg.MustRegister(scrape)
	log, _ := test.NewNullLogger()
	server := NewServer("127.0.0.1:0", nil, reg, health.NewHealth(), noStatus, nil, log)
	require.NoError(t, server.Listen(t.Context()))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ctx) }()

	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", server.Addr())
	require.NoError(t, err)
	_, err = io.WriteString(conn, "GET /metrics HTTP/1.0\r\n\r\n")
	require.NoError(t, err)
	<-scrape.entered
	cancel()
	waitUntilRefused(t, server.Addr())
	close(scrape.release)
	line, err := bufio.NewReader(conn).ReadString('\n')
	require.NoError(t, err)
	assert.Contains(t, line, "200 OK")
	require.NoError(t, conn.Close())
	assert.NoError(t, <-ended)
}

func TestARequestThatIsNeverAnsweredDoesNotBlockTheShutdown(t *testing.T) {
	reg := prometheus.NewRegistry()
	scrape := blockingCollector{make(chan struct{}), make(chan struct{})}
	reg.MustRegister(scrape)
	log, _ := test.NewNullLogger()
	server := NewServer("127.0.0.1:0", nil, reg, health.NewHealth(), noStatus, nil, log)
	server.grace = time.Millisecond
	require.NoError(t, server.Listen(t.Context()))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ctx) }()

	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", server.Addr())
	require.NoError(t, err)
	_, err = io.WriteString(conn, "GET /metrics HTTP/1.0\r\n\r\n")
	require.NoError(t, err)
	<-scrape.entered
	cancel()
	assert.NoError(t, <-ended)
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(2*time.Minute)))
	_, err = conn.Read(make([]byte, 1))
	assert.ErrorIs(t, err, io.EOF, "the connection was closed without an answer")
	close(scrape.release)
	require.NoError(t, conn.Close())
}

func waitUntilRefused(t *testing.T, address string) {
	t.Helper()
	require.Eventually(t, func() bool {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
		if err != nil {
			return true
		}
		return conn.Close() != nil
	}, 2*time.Minute, time.Millisecond)
}

func TestTheServerHasAllItsTimeOuts(t *testing.T) {
	log, _ := test.NewNullLogger()
	server := NewServer(":0", nil, prometheus.NewRegistry(), health.NewHealth(), noStatus, nil, log).http
	assert.Positive(t, server.ReadHeaderTimeout)
	assert.Positive(t, server.ReadTimeout)
	assert.Positive(t, server.WriteTimeout)
	assert.Positive(t, server.IdleTimeout)
	assert.Positive(t, server.MaxHeaderBytes)
}

func TestFailedRequestsAreLoggedAtDebugLevel(t *testing.T) {
	log, hook := test.NewNullLogger()
	log.SetLevel(logrus.DebugLevel)
	server := NewServer(":0", nil, prometheus.NewRegistry(), health.NewHealth(), noStatus, nil, log)
	server.http.ErrorLog.Print("http: superfluous call")
	entry := hook.LastEntry()
	require.NotNil(t, entry)
	assert.Equal(t, "statistics request failed", entry.Message)
	assert.Equal(t, "http: superfluous call", entry.Data["error"])
}
