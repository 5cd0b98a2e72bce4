package status

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/sirupsen/logrus/hooks/test"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/forwarder/health"
)

type fakeConn struct {
	net.Conn
	from   net.IP
	closed bool
}

func (c *fakeConn) RemoteAddr() net.Addr { return &net.TCPAddr{IP: c.from, Port: 1} }

func (c *fakeConn) Close() error {
	c.closed = true
	return nil
}

func open(c *connections, n int) *fakeConn {
	conn := &fakeConn{from: net.IPv4(10, 0, byte(n>>8), byte(n))}
	c.note(conn, http.StateNew)
	return conn
}

func newTestConnections() (*connections, *test.Hook) {
	log, hook := test.NewNullLogger()
	return newConnections(log), hook
}

// closedOf returns the numbers of the connections that are closed.
func closedOf(conns []*fakeConn) []int {
	var closed []int
	for n, conn := range conns {
		if conn.closed {
			closed = append(closed, n)
		}
	}
	return closed
}

func TestTheOldestConnectionOfAnAddressThatWaitsGivesWayToANewOne(t *testing.T) {
	c, hook := newTestConnections()
	other := open(c, 1)
	var conns []*fakeConn
	for range maxByAddress {
		conns = append(conns, open(c, 2))
	}
	assert.Empty(t, closedOf(conns))
	c.note(conns[0], http.StateActive)
	c.note(conns[1], http.StateActive)
	c.note(conns[1], http.StateIdle) // the one that changed last
	conns = append(conns, open(c, 2))
	assert.Equal(t, []int{2}, closedOf(conns), "not the busy one, and not the one that was busy since")
	conns = append(conns, open(c, 2))
	assert.Equal(t, []int{2, 3}, closedOf(conns))
	assert.False(t, other.closed)
	c.note(conns[2], http.StateClosed)
	assert.Len(t, c.open, maxByAddress+1)
	require.Len(t, hook.AllEntries(), 1, "once a minute")
	assert.Equal(t, "10.0.0.2", hook.LastEntry().Data["address"])
}

func TestTheOldestBusyConnectionGivesWayIfNoneWaits(t *testing.T) {
	c, _ := newTestConnections()
	var conns []*fakeConn
	for range maxByAddress {
		conns = append(conns, open(c, 2))
	}
	for n := range conns {
		c.note(conns[len(conns)-1-n], http.StateActive)
	}
	conns = append(conns, open(c, 2))
	assert.Equal(t, []int{maxByAddress - 1}, closedOf(conns), "its request began first")
}

func TestTheOldestConnectionOfAllGivesWayToANewAddress(t *testing.T) {
	c, _ := newTestConnections()
	var conns []*fakeConn
	for n := range maxConnections {
		conns = append(conns, open(c, n))
	}
	assert.Empty(t, closedOf(conns))
	c.note(conns[0], http.StateActive)
	kubelet := open(c, maxConnections)
	assert.Equal(t, []int{1}, closedOf(conns))
	assert.False(t, kubelet.closed)
	assert.Len(t, c.open, maxConnections)
	c.note(conns[0], http.StateClosed)
	c.note(conns[1], http.StateIdle)
	assert.Len(t, c.open, maxConnections-1, "what was closed does not come back")
}

func TestAnIPv4AddressIsTheSameOverIPv6(t *testing.T) {
	assert.Equal(t, addressOf(&fakeConn{from: net.IPv4(10, 0, 0, 1).To4()}), addressOf(&fakeConn{from: net.ParseIP("::ffff:10.0.0.1")}))
	assert.NotEqual(t, addressOf(&fakeConn{from: net.ParseIP("fd00::1")}), addressOf(&fakeConn{from: net.ParseIP("fd00::2")}))
}

// dial connects to the server, with a deadline for everything after that.
func dial(t *testing.T, server *Server) net.Conn {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", server.Addr())
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	require.NoError(t, conn.SetDeadline(time.Now().Add(time.Minute)))
	return conn
}

func TestANewConnectionIsAnsweredWhileItsAddressHoldsAllThatItMay(t *testing.T) {
	server := startServer(t, prometheus.NewRegistry(), health.NewHealth())
	var held []net.Conn
	for range 3 * maxByAddress {
		conn := dial(t, server)
		_, err := io.WriteString(conn, "GET /healthz HTTP/1.1\r\nHost:") // a request that does not end
		require.NoError(t, err)
		held = append(held, conn)
	}
	for range 100 {
		res, _ := request(t, server, "GET", "/healthz")
		require.Equal(t, http.StatusOK, res.StatusCode)
	}
	_, err := held[0].Read(make([]byte, 1))
	require.Error(t, err)
	assert.NotErrorIs(t, err, io.EOF, "it is reset, so that nothing of it is left in the kernel")
}

func TestALargeHeaderIsRefused(t *testing.T) {
	server := startServer(t, prometheus.NewRegistry(), health.NewHealth())
	for size, want := range map[int]string{4 << 10: "200 OK", 9 << 10: "431 Request Header Fields Too Large"} {
		conn := dial(t, server)
		_, err := io.WriteString(conn, "GET /healthz HTTP/1.1\r\nHost: h\r\nCookie: "+strings.Repeat("x", size)+"\r\n\r\n")
		require.NoError(t, err)
		line, err := bufio.NewReader(conn).ReadString('\n')
		require.NoError(t, err)
		assert.Contains(t, line, want)
	}
}
