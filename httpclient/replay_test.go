package httpclient

import (
	"bufio"
	"io"
	"log"
	"net"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func discardLog() *log.Logger { return log.New(io.Discard, "", 0) }

// readRequest reads one whole request, and reports whether there was one.
func readRequest(conn net.Conn) bool {
	req, err := http.ReadRequest(bufio.NewReader(conn))
	if err != nil {
		return false
	}
	_, err = io.Copy(io.Discard, req.Body)
	return err == nil
}

func answer(conn net.Conn) {
	_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
}

// listen handles one connection after the other, and returns the listener's URL.
func listen(t *testing.T, handle func(conn net.Conn)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // loopback
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			handle(conn)
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() {
		_ = listener.Close()
		<-done
	})
	return "http://" + listener.Addr().String()
}

// A connection that the server closed while it was idle costs nothing: the POST goes over a new connection, once.
// Whether net/http notices the close before or after it takes the connection is a race. Both must end with an accepted
// POST, or with an error that the caller retries, but never with two POSTs.
func TestAConnectionClosedWhileIdleDoublesNothing(t *testing.T) {
	const rounds = 200
	var requests, failed atomic.Int64
	target := listen(t, func(conn net.Conn) {
		if readRequest(conn) {
			requests.Add(1)
			answer(conn)
		} // the connection is closed, although keep-alive was agreed on
	})
	c := client(t, Options{KeepAlive: true})
	for range rounds {
		if _, err := post(t.Context(), c, target, "{}"); err != nil {
			failed.Add(1)
		}
	}
	assert.Equal(t, int64(rounds), requests.Load()+failed.Load())
}

// The server reads a POST on a reused connection and dies without an answer. It may have used the POST, so net/http
// must not send it again.
func TestAPostThatWasWrittenIsNotSentAgain(t *testing.T) {
	var requests atomic.Int64
	target := listen(t, func(conn net.Conn) {
		for n := 0; n < 2 && readRequest(conn); n++ {
			requests.Add(1)
			if n == 0 {
				answer(conn)
			}
		}
	})
	c := client(t, Options{KeepAlive: true})
	_, err := post(t.Context(), c, target, "{}")
	require.NoError(t, err)
	_, err = post(t.Context(), c, target, "{}")
	require.Error(t, err, "the caller decides what to do with it")
	assert.EqualValues(t, 2, requests.Load())
}
