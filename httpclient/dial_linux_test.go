package httpclient

import (
	"net"
	"net/http"
	"net/http/httptrace"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// tcpUserTimeout is TCP_USER_TIMEOUT of linux/tcp.h, which package syscall does not name on every processor.
const tcpUserTimeout = 18

func option(t *testing.T, conn net.Conn, level, name int) int {
	t.Helper()
	raw, err := conn.(*net.TCPConn).SyscallConn()
	require.NoError(t, err)
	var value int
	require.NoError(t, raw.Control(func(fd uintptr) { value, err = syscall.GetsockoptInt(int(fd), level, name) }))
	require.NoError(t, err)
	return value
}

// With a user timeout the system would wait for that time instead of the number of probes, and end the connection to a
// frozen process.
func TestASilentConnectionIsProbedAndNothingElseLimitsIt(t *testing.T) {
	srv, _ := server(t, func(http.ResponseWriter, *http.Request) {})
	var got net.Conn
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) { got = info.Conn.(*watchedConn).Conn },
	})
	_, err := post(ctx, client(t, Options{KeepAlive: true, Watcher: newRecordingWatcher()}), srv.URL, "{}")
	require.NoError(t, err)
	assert.Equal(t, 1, option(t, got, syscall.SOL_SOCKET, syscall.SO_KEEPALIVE))
	assert.Equal(t, 1, option(t, got, syscall.IPPROTO_TCP, syscall.TCP_KEEPIDLE))
	assert.Equal(t, 1, option(t, got, syscall.IPPROTO_TCP, syscall.TCP_KEEPINTVL))
	assert.Equal(t, 3, option(t, got, syscall.IPPROTO_TCP, syscall.TCP_KEEPCNT))
	assert.Zero(t, option(t, got, syscall.IPPROTO_TCP, tcpUserTimeout))
}
