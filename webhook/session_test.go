package webhook

import (
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/httpclient"
	"aks-audit-log-go/webhook/confirm"
)

// unconfirmed keeps every request unconfirmed for longer than a test takes.
func unconfirmed(cfg *forwarder.Config) { cfg.SinkReplay, cfg.SinkSettleTime = true, time.Hour }

// openSession opens a session with a real sink.
func openSession(t *testing.T, address string, change ...func(*forwarder.Config)) (*Session, *fixture) {
	t.Helper()
	f := newFixture(t, nil, at(t, address, change...))
	s := f.poster.OpenSession()
	t.Cleanup(s.Close)
	return s, f
}

func awaitLoss(t *testing.T, s *Session) {
	t.Helper()
	select {
	case <-s.Lost():
	case <-time.After(failAfter):
		t.Fatal("the loss was not noticed")
	}
	require.ErrorIs(t, s.Err(), confirm.ErrLost)
}

func TestASinkThatClosesTheIdleConnectionHasLostWhatIsNotConfirmed(t *testing.T) {
	sink := serve(t, answering(200))
	s, _ := openSession(t, sink.URL, unconfirmed)
	post(t, s, 3)
	sink.CloseClientConnections()
	awaitLoss(t, s)
	assert.Zero(t, s.Confirmed())
	_, err := s.Deliver(t.Context(), events(1))
	require.ErrorIs(t, err, confirm.ErrLost)
	assert.EqualValues(t, 1, sink.connections.Load(), "nothing overtakes what was lost")
	assert.Len(t, sink.got(), 3)
}

func TestASinkThatResetsTheIdleConnectionHasLostWhatIsNotConfirmed(t *testing.T) {
	reset := make(chan struct{})
	sink := serve(t, func(_ int, w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if !assert.NoError(t, err) {
			return
		}
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		go func() {
			<-reset
			_ = conn.(*net.TCPConn).SetLinger(0)
			_ = conn.Close()
		}()
	})
	s, _ := openSession(t, sink.URL, unconfirmed)
	post(t, s, 1)
	assert.False(t, isLost(s))
	close(reset)
	awaitLoss(t, s)
}

func TestTheCloseNotifyOfTLSIsALoss(t *testing.T) {
	sink := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
	sink.StartTLS()
	t.Cleanup(sink.Close)
	s, _ := openSession(t, sink.URL, unconfirmed)
	s.client.Transport.(*http.Transport).TLSClientConfig.RootCAs = certificatesOf(sink)
	post(t, s, 2)
	sink.CloseClientConnections()
	awaitLoss(t, s)
}

func certificatesOf(server *httptest.Server) *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(server.Certificate())
	return pool
}

// The sink closes its listener between the two, so that there is no connection to close.
func TestASinkThatRefusesIsALossOnlyIfSomethingIsNotConfirmed(t *testing.T) {
	for name, confirmed := range map[string]bool{"confirmed": true, "not confirmed": false} {
		t.Run(name, func(t *testing.T) {
			sink := serve(t, answering(200))
			s, f := openSession(t, sink.URL, unconfirmed, func(cfg *forwarder.Config) {
				if confirmed {
					cfg.SinkSettleTime = 0
				}
			})
			post(t, s, 1)
			s.client.CloseIdleConnections()
			sink.Close()
			assert.False(t, isLost(s), "we closed it")
			results := make(chan error, 1)
			go func() {
				_, err := s.Deliver(t.Context(), events(1))
				results <- err
			}()
			if !confirmed {
				awaitLoss(t, s)
				err := <-results
				require.ErrorIs(t, err, confirm.ErrLost)
				assert.Contains(t, err.Error(), "connection refused")
				return
			}
			require.Eventually(t, func() bool { return f.poster.log.held.Load() == 1 }, failAfter, time.Millisecond)
			assert.False(t, isLost(s))
			f.poster.Stop()
			require.ErrorIs(t, <-results, ErrStopping)
		})
	}
}

func TestAnAnswerThatBreaksOffIsAcceptedAndLost(t *testing.T) {
	sink := serve(t, func(_ int, w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})
	s, _ := openSession(t, sink.URL, unconfirmed)
	outcomes, err := deliverAll(t.Context(), s, events(2))
	require.ErrorIs(t, err, confirm.ErrLost)
	assert.Equal(t, delivered(1), outcomes)
	awaitLoss(t, s)
}

func TestAPostThatTimesOutIsNoLoss(t *testing.T) {
	sink := serve(t, func(n int, _ http.ResponseWriter, r *http.Request) {
		if n == 1 || n == 2 {
			<-r.Context().Done() // until the poster closes the connection
		}
	})
	s, _ := openSession(t, sink.URL, unconfirmed, func(cfg *forwarder.Config) { cfg.PostTimeout = hangsFor })
	post(t, s, 3)
	assert.False(t, isLost(s))
	assert.EqualValues(t, 3, sink.connections.Load(), "one at a time")
	sink.CloseClientConnections()
	awaitLoss(t, s)
}

func TestASinkThatDoesNotTakeSomethingIsNotLost(t *testing.T) {
	sink := serve(t, answering(200, 429, 503, 404, 500, 200))
	s, _ := openSession(t, sink.URL, unconfirmed)
	post(t, s, 2)
	assert.False(t, isLost(s))
	assert.EqualValues(t, 1, sink.connections.Load())
}

func TestAnIdleConnectionIsKeptOpenUntilEverythingIsConfirmedAndThenClosed(t *testing.T) {
	sink := serve(t, answering(200))
	s, _ := openSession(t, sink.URL, func(cfg *forwarder.Config) { cfg.SinkReplay, cfg.SinkSettleTime = true, 5*time.Second })
	post(t, s, 1)
	s.closeIdle()
	assert.Positive(t, s.tracker.KeepOpenFor(), "not yet")
	require.NoError(t, s.Confirm(t.Context()))
	assert.Zero(t, s.tracker.KeepOpenFor())
	s.closeIdle()
	post(t, s, 1)
	assert.False(t, isLost(s))
	assert.EqualValues(t, 2, sink.connections.Load())
}

// Its first three closes count as losses.
func TestASinkThatClosesEachConnectionBehindItsAnswerIsFoundOut(t *testing.T) {
	sink := serve(t, func(_ int, w http.ResponseWriter, _ *http.Request) { w.Header().Set("Connection", "close") })
	f := newFixture(t, nil, at(t, sink.URL, unconfirmed))
	for range 3 {
		s := f.poster.OpenSession()
		post(t, s, 1)
		assert.True(t, isLost(s))
		s.Close()
	}
	s := f.poster.OpenSession()
	defer s.Close()
	post(t, s, 20)
	assert.False(t, isLost(s))
}

// Falco's plugin does that when it stops.
func TestASinkThatStopsAfterItsAnswerHasLostWhatIsNotConfirmed(t *testing.T) {
	sink := serve(t, func(n int, w http.ResponseWriter, _ *http.Request) {
		if n == 9 {
			w.Header().Set("Connection", "close")
		}
	})
	s, _ := openSession(t, sink.URL, unconfirmed)
	post(t, s, 10)
	awaitLoss(t, s)
}

func TestWithoutKeepAliveAConnectionThatEndsIsNoLossAndOneThatIsRefusedIs(t *testing.T) {
	sink := serve(t, answering(200))
	s, _ := openSession(t, sink.URL, unconfirmed, func(cfg *forwarder.Config) { cfg.KeepAlive = false })
	post(t, s, 10)
	assert.False(t, isLost(s))
	sink.Close()
	_, err := s.Deliver(t.Context(), events(1))
	require.ErrorIs(t, err, confirm.ErrLost)
}

// An answer without a length ends with its connection.
func TestWithoutKeepAliveAnAnswerThatEndsWithItsConnectionIsNoLoss(t *testing.T) {
	sink := serve(t, func(_ int, w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if assert.NoError(t, err) {
			_, _ = io.WriteString(conn, "HTTP/1.0 200 OK\r\n\r\nthank you")
			_ = conn.Close()
		}
	})
	s, _ := openSession(t, sink.URL, unconfirmed, func(cfg *forwarder.Config) { cfg.KeepAlive = false })
	post(t, s, 10)
	assert.False(t, isLost(s))
}

func TestEachSessionHasAConnectionOfItsOwn(t *testing.T) {
	sink := serve(t, answering(200))
	f := newFixture(t, nil, at(t, sink.URL, unconfirmed))
	var sessions []*Session
	for range 4 {
		s := f.poster.OpenSession()
		defer s.Close()
		sessions = append(sessions, s)
		post(t, s, 5)
	}
	assert.EqualValues(t, 4, sink.connections.Load())
	sessions[0].client.CloseIdleConnections()
	for _, s := range sessions {
		assert.False(t, isLost(s))
	}
}

func TestASessionThatIsClosedConnectsNoMore(t *testing.T) {
	s, _ := openSession(t, "http://127.0.0.1:1", unconfirmed)
	s.Close()
	_, err := httpclient.New(httpclient.Options{Watcher: s.tracker}).Get("http://127.0.0.1:1") //nolint:noctx // it does not get there
	require.ErrorContains(t, err, "the session is closed")
}
