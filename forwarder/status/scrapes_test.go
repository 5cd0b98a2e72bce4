package status

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/sirupsen/logrus/hooks/test"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/forwarder/health"
)

type waitingCollector struct{ entered, release chan struct{} }

func (c waitingCollector) Describe(chan<- *prometheus.Desc) {}
func (c waitingCollector) Collect(chan<- prometheus.Metric) {
	c.entered <- struct{}{}
	<-c.release
}

func TestAFifthScrapeIsRefusedAtOnce(t *testing.T) {
	reg := prometheus.NewRegistry()
	scrape := waitingCollector{make(chan struct{}, maxScrapes), make(chan struct{})}
	reg.MustRegister(scrape)
	server := startServer(t, reg, health.NewHealth())
	var scraping []net.Conn
	for range maxScrapes {
		conn := dial(t, server)
		_, err := io.WriteString(conn, "GET /metrics HTTP/1.0\r\n\r\n")
		require.NoError(t, err)
		<-scrape.entered
		scraping = append(scraping, conn)
	}
	res, body := request(t, server, "GET", "/metrics")
	assert.Equal(t, http.StatusServiceUnavailable, res.StatusCode)
	assert.Contains(t, body, "4 scrapes are being answered already")
	res, _ = request(t, server, "GET", "/healthz")
	assert.Equal(t, http.StatusOK, res.StatusCode)
	close(scrape.release)
	for _, conn := range scraping {
		line, err := bufio.NewReader(conn).ReadString('\n')
		require.NoError(t, err)
		assert.Contains(t, line, "200 OK")
	}
	res, _ = request(t, server, "GET", "/metrics")
	assert.Equal(t, http.StatusOK, res.StatusCode)
}

func TestClientsThatDoNotReadTheirMetricsKeepNobodyElseFromThem(t *testing.T) {
	metrics := make([]byte, 16<<20) // more than the buffers of a connection hold
	log, _ := test.NewNullLogger()
	server := NewServer("127.0.0.1:0", nil, prometheus.NewRegistry(), health.NewHealth(), noStatus, nil, log)
	server.http.Handler = newScrapes(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(metrics) }))
	server.http.ConnState = nil // all come from one address
	serveUntilEnd(t, server)
	var unread []net.Conn
	for range maxUnread + 1 {
		conn := dial(t, server)
		_, err := io.WriteString(conn, "GET /metrics HTTP/1.0\r\n\r\n")
		require.NoError(t, err)
		_, err = io.ReadFull(conn, make([]byte, 100)) // the answer has begun
		require.NoError(t, err)
		unread = append(unread, conn)
	}
	rest, err := io.Copy(io.Discard, unread[0])
	assert.Less(t, rest, int64(len(metrics)), "the oldest answer was cut off (%v)", err)
	rest, err = io.Copy(io.Discard, unread[maxUnread])
	require.NoError(t, err)
	assert.GreaterOrEqual(t, rest, int64(len(metrics)), "the newest was not")
}
