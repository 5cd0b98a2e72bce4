package httpclient

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

type ignoringWatcher struct{}

func (ignoringWatcher) Dialling() error  { return nil }
func (ignoringWatcher) Connected()       {}
func (ignoringWatcher) DialFailed(error) {}
func (ignoringWatcher) Ended(error)      {}

type recordingWatcher struct {
	forbid error
	calls  chan string

	mu   sync.Mutex
	errs []error
}

// failAfter bounds the wait of a test for something that must happen. It matters only if the test fails.
const failAfter = 2 * time.Minute

func newRecordingWatcher() *recordingWatcher { return &recordingWatcher{calls: make(chan string, 100)} }

func (w *recordingWatcher) record(what string, err error) {
	w.mu.Lock()
	w.errs = append(w.errs, err)
	w.mu.Unlock()
	w.calls <- what
}

func (w *recordingWatcher) Dialling() error      { w.record("dialling", nil); return w.forbid }
func (w *recordingWatcher) Connected()           { w.record("connected", nil) }
func (w *recordingWatcher) DialFailed(err error) { w.record("failed", err) }
func (w *recordingWatcher) Ended(err error)      { w.record("ended", err) }

// await waits for exactly these calls, in order.
func (w *recordingWatcher) await(t *testing.T, want ...string) {
	t.Helper()
	for _, one := range want {
		select {
		case got := <-w.calls:
			require.Equal(t, one, got)
		case <-time.After(failAfter):
			t.Fatalf("no call: %s", one)
		}
	}
}

// silent checks that there were no more calls.
func (w *recordingWatcher) silent(t *testing.T) {
	t.Helper()
	assert.Empty(t, w.calls)
}

func (w *recordingWatcher) last() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.errs[len(w.errs)-1]
}

func TestTheEndOfAnIdleConnectionIsNoticedAtOnce(t *testing.T) {
	srv, _ := server(t, func(http.ResponseWriter, *http.Request) {})
	w := newRecordingWatcher()
	c := client(t, Options{KeepAlive: true, Watcher: w})
	for range 3 {
		_, err := post(t.Context(), c, srv.URL, "{}")
		require.NoError(t, err)
	}
	w.await(t, "dialling", "connected")
	srv.CloseClientConnections()
	w.await(t, "ended")
	require.ErrorIs(t, w.last(), ErrClosedThere)
	// The watcher is called before net/http notices the end, so a POST may still use the old connection.
	require.Eventually(t, func() bool {
		_, err := post(t.Context(), c, srv.URL, "{}")
		return err == nil
	}, failAfter, time.Millisecond)
	w.await(t, "dialling", "connected")
	w.silent(t)
}

func TestOurOwnCloseIsReportedAsOurs(t *testing.T) {
	hangs := make(chan struct{})
	srv, _ := server(t, func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/hang" {
			close(hangs)
			_, _ = io.Copy(io.Discard, r.Body) // or else the end of the request is not noticed
			<-r.Context().Done()
		}
	})
	w := newRecordingWatcher()
	c := client(t, Options{KeepAlive: true, Watcher: w})
	_, err := post(t.Context(), c, srv.URL, "{}")
	require.NoError(t, err)
	c.CloseIdleConnections()
	w.await(t, "dialling", "connected", "ended")
	require.ErrorIs(t, w.last(), ErrClosedHere)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		<-hangs
		cancel()
	}()
	_, err = post(ctx, c, srv.URL+"/hang", "{}")
	require.ErrorIs(t, err, context.Canceled)
	w.await(t, "dialling", "connected", "ended")
	require.ErrorIs(t, w.last(), ErrClosedHere)
	srv.Close()
	w.silent(t)
}

func TestAConnectionThatCannotBeMadeIsReported(t *testing.T) {
	srv, _ := server(t, func(http.ResponseWriter, *http.Request) {})
	srv.Close()
	w := newRecordingWatcher()
	_, err := post(t.Context(), client(t, Options{KeepAlive: true, Watcher: w}), srv.URL, "{}")
	require.ErrorContains(t, err, "connection refused")
	w.await(t, "dialling", "failed")
	require.ErrorContains(t, w.last(), "connection refused")
	w.silent(t)
}

func TestAWatcherCanForbidAConnection(t *testing.T) {
	srv, connections := server(t, func(http.ResponseWriter, *http.Request) {})
	w := newRecordingWatcher()
	w.forbid = errors.New("first what was lost")
	_, err := post(t.Context(), client(t, Options{KeepAlive: true, Watcher: w}), srv.URL, "{}")
	require.ErrorIs(t, err, w.forbid)
	w.await(t, "dialling")
	w.silent(t)
	assert.Zero(t, connections.Load())
}

func TestTheCloseNotifyOfATLSServerIsReported(t *testing.T) {
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	srv.StartTLS()
	t.Cleanup(srv.Close)
	w := newRecordingWatcher()
	c := New(Options{KeepAlive: true, Watcher: w})
	t.Cleanup(c.CloseIdleConnections)
	c.Transport.(*http.Transport).TLSClientConfig = srv.Client().Transport.(*http.Transport).TLSClientConfig
	_, err := post(t.Context(), c, srv.URL, "{}")
	require.NoError(t, err)
	srv.CloseClientConnections()
	w.await(t, "dialling", "connected", "ended")
	require.ErrorIs(t, w.last(), ErrClosedThere)
}

func TestACertificateThatIsNotTrustedIsAConnectionThatFailed(t *testing.T) {
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	srv.Config.ErrorLog = discardLog()
	srv.StartTLS()
	t.Cleanup(srv.Close)
	w := newRecordingWatcher()
	_, err := post(t.Context(), client(t, Options{KeepAlive: true, Watcher: w}), srv.URL, "{}")
	require.ErrorContains(t, err, "certificate")
	w.await(t, "dialling", "failed")
	w.silent(t)
}

func TestAClientHasOneConnectionAtATime(t *testing.T) {
	var now, most atomic.Int64
	srv, connections := server(t, func(http.ResponseWriter, *http.Request) {
		if n := now.Add(1); n > most.Load() {
			most.Store(n)
		}
		now.Add(-1)
	})
	c := client(t, Options{KeepAlive: true, Watcher: newRecordingWatcher()})
	results := make(chan error, 20)
	for range 20 {
		go func() {
			_, err := post(t.Context(), c, srv.URL, "{}")
			results <- err
		}()
	}
	for range 20 {
		require.NoError(t, <-results)
	}
	assert.EqualValues(t, 1, connections.Load())
	assert.EqualValues(t, 1, most.Load())
}

type brokenConn struct {
	net.Conn
	err error
}

func (c brokenConn) Read([]byte) (int, error)  { return 0, c.err }
func (c brokenConn) Write([]byte) (int, error) { return 0, c.err }
func (c brokenConn) Close() error              { return nil }

func TestTheEndOfAConnectionIsReportedOnce(t *testing.T) {
	w := newRecordingWatcher()
	broken := errors.New("connection timed out")
	conn := &watchedConn{Conn: brokenConn{err: broken}, watcher: w}
	_, err := conn.Write(nil)
	require.ErrorIs(t, err, broken)
	_, err = conn.Read(nil)
	require.ErrorIs(t, err, broken)
	w.await(t, "ended")
	require.ErrorIs(t, w.last(), broken)
	w.silent(t)
}

func TestWhatFollowsOurOwnCloseIsNotReported(t *testing.T) {
	w := newRecordingWatcher()
	for _, err := range []error{net.ErrClosed, io.EOF} {
		conn := &watchedConn{Conn: brokenConn{err: err}, watcher: w}
		require.NoError(t, conn.Close())
		w.await(t, "ended")
		_, _ = conn.Read(nil)
	}
	w.silent(t)
}
