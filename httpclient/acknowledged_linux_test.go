package httpclient

import (
	"net"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

func option(t *testing.T, conn *net.TCPConn, level, name int) int {
	t.Helper()
	raw, err := conn.SyscallConn()
	require.NoError(t, err)
	var value int
	require.NoError(t, raw.Control(func(fd uintptr) { value, err = unix.GetsockoptInt(int(fd), level, name) }))
	require.NoError(t, err)
	return value
}

// With the limit set, the system would wait for it instead of its own limit for probes of an idle connection.
func TestWhatIsSentHasToBeAcknowledgedInTimeAndAnIdleConnectionIsProbedSooner(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // loopback
	require.NoError(t, err)
	defer func() { _ = listener.Close() }()
	w := watchedDialer{dialer: &net.Dialer{KeepAliveConfig: watchedProbes}, watcher: newRecordingWatcher()}
	conn, err := w.dial(t.Context(), "tcp", listener.Addr().String())
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	theirs, err := listener.Accept()
	require.NoError(t, err)
	defer func() { _ = theirs.Close() }()

	tcp := conn.(*acknowledgedConn).TCPConn
	limit := func() int { return option(t, tcp, unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT) }
	assert.Equal(t, 1, option(t, tcp, unix.SOL_SOCKET, unix.SO_KEEPALIVE))
	assert.Equal(t, 1, option(t, tcp, unix.IPPROTO_TCP, unix.TCP_KEEPIDLE))
	assert.Equal(t, 1, option(t, tcp, unix.IPPROTO_TCP, unix.TCP_KEEPINTVL))
	assert.Equal(t, 3, option(t, tcp, unix.IPPROTO_TCP, unix.TCP_KEEPCNT))
	assert.Zero(t, limit())
	for range 2 {
		_, err = conn.Write([]byte("request"))
		require.NoError(t, err)
		assert.Equal(t, 20_000, limit())
		_, err = theirs.Write([]byte("answer"))
		require.NoError(t, err)
		_, err = conn.Read(make([]byte, 10))
		require.NoError(t, err)
		assert.Zero(t, limit())
	}
}
