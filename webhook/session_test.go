package webhook

import (
	"context"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/webhook/barrier"
	"aks-audit-log-go/webhook/confirm"
)

// unconfirmed keeps every request unconfirmed for longer than a test takes.
func unconfirmed(cfg *forwarder.Config) { cfg.SinkReplay, cfg.SinkSettleTime = true, time.Hour }

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
	s, f := openSession(t, sink.URL, unconfirmed)
	f.poster.link.client.Transport.(*http.Transport).TLSClientConfig.RootCAs = certificatesOf(sink)
	post(t, s, 2)
	sink.CloseClientConnections()
	awaitLoss(t, s)
}

func certificatesOf(server *httptest.Server) *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(server.Certificate())
	return pool
}

func TestASinkThatRefusesLosesNothingThatIsConfirmed(t *testing.T) {
	sink := serve(t, answering(200))
	s, f := openSession(t, sink.URL, func(cfg *forwarder.Config) { cfg.SinkReplay = true })
	post(t, s, 1)
	f.poster.link.client.CloseIdleConnections()
	sink.Close()
	results := make(chan error, 1)
	go func() {
		_, err := s.Deliver(t.Context(), events(1))
		results <- err
	}()
	require.Eventually(t, func() bool { return f.poster.log.held.Load() == 1 }, failAfter, time.Millisecond)
	assert.False(t, isLost(s))
	f.poster.Stop()
	require.ErrorIs(t, <-results, ErrStopping)
}

func TestAnAnswerThatBreaksOffIsAcceptedAndLost(t *testing.T) {
	sink := serve(t, func(_ int, w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})
	s, _ := openSession(t, sink.URL, unconfirmed)
	_, err := deliverAll(t.Context(), s, events(2))
	require.ErrorIs(t, err, confirm.ErrLost)
	awaitLoss(t, s)
	assert.EqualValues(t, 1, s.Accepted())
	assert.Len(t, sink.got(), 1)
}

// With the POST the connection ends, and then nothing shows whether the sink keeps what it accepted before.
func TestAPostThatTimesOutIsALossOfWhatIsNotConfirmed(t *testing.T) {
	sink := serve(t, func(n int, _ http.ResponseWriter, r *http.Request) {
		if n == 1 {
			<-r.Context().Done() // until the poster closes the connection
		}
	})
	s, _ := openSession(t, sink.URL, unconfirmed, func(cfg *forwarder.Config) { cfg.PostTimeout = hangsFor })
	post(t, s, 1)
	_, err := s.Deliver(t.Context(), events(1))
	require.ErrorIs(t, err, confirm.ErrLost)
	awaitLoss(t, s)
	assert.EqualValues(t, 1, sink.connections.Load(), "nothing overtakes what was lost")
}

// net/http closes a connection on which it gets something unexpected, like HAProxy's 408.
func TestAnAnswerThatNobodyAskedForIsALossOfWhatIsNotConfirmed(t *testing.T) {
	idle := make(chan struct{})
	sink := serve(t, func(_ int, w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if !assert.NoError(t, err) {
			return
		}
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		go func() {
			defer func() { _ = conn.Close() }()
			<-idle
			_, _ = io.WriteString(conn, "HTTP/1.1 408 Request Time-out\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
			_, _ = io.Copy(io.Discard, conn) // until the poster closes it
		}()
	})
	s, _ := openSession(t, sink.URL, unconfirmed, func(cfg *forwarder.Config) { cfg.SinkBarrier = forwarder.BarrierOff })
	post(t, s, 1)
	close(idle)
	awaitLoss(t, s)
}

func TestAnAnswerThatIsTooLongIsALossOfWhatIsNotConfirmed(t *testing.T) {
	sink := serve(t, func(n int, w http.ResponseWriter, _ *http.Request) {
		if n == 1 {
			_, _ = io.WriteString(w, strings.Repeat("x", 2<<20))
		}
	})
	s, _ := openSession(t, sink.URL, unconfirmed)
	post(t, s, 1)
	_, _ = s.Deliver(t.Context(), events(1))
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
	s, f := openSession(t, sink.URL, func(cfg *forwarder.Config) { cfg.SinkReplay, cfg.SinkSettleTime = true, 5*time.Second })
	post(t, s, 1)
	require.Eventually(t, func() bool { return s.Confirmed() == 1 }, failAfter, time.Millisecond)
	assert.EqualValues(t, 1, sink.connections.Load())
	require.Eventually(t, func() bool { return f.poster.link.tracker.Next() == (barrier.Step{}) }, failAfter, time.Millisecond, "it is closed")
	post(t, s, 1)
	assert.False(t, isLost(s))
	assert.EqualValues(t, 2, sink.connections.Load())
}

// Its first closes count as losses. Whether the fifth does is a race between the answer and the close.
func TestASinkThatClosesEachConnectionBehindItsAnswerIsFoundOut(t *testing.T) {
	sink := serve(t, func(_ int, w http.ResponseWriter, _ *http.Request) { w.Header().Set("Connection", "close") })
	f := newFixture(t, nil, at(t, sink.URL, unconfirmed))
	for n := range 5 {
		s := f.poster.OpenSession()
		_, _ = s.Deliver(t.Context(), events(1))
		if n < 4 {
			awaitLoss(t, s)
		}
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
	post(t, s, 9)
	_, _ = s.Deliver(t.Context(), events(1))
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

func TestAllSessionsShareOneConnectionAndAreLostWithItIfSomethingOfThemWaits(t *testing.T) {
	sink := serve(t, answering(200))
	f := newFixture(t, nil, at(t, sink.URL, unconfirmed))
	var sessions []*Session
	for n := range 4 {
		s := f.poster.OpenSession()
		defer s.Close()
		sessions = append(sessions, s)
		if n > 0 {
			post(t, s, 5)
		}
	}
	assert.EqualValues(t, 1, sink.connections.Load())
	sink.CloseClientConnections()
	for _, s := range sessions[1:] {
		awaitLoss(t, s)
	}
	assert.False(t, isLost(sessions[0]), "it has posted nothing")
	post(t, sessions[0], 1)
}

// Cutting a POST off would close the connection that all share.
func TestAPostThatIsAbandonedGoesOnForTheOtherSessions(t *testing.T) {
	arrived, answer := make(chan struct{}), make(chan struct{})
	sink := serve(t, func(n int, _ http.ResponseWriter, _ *http.Request) {
		if n == 1 {
			close(arrived)
			<-answer
		}
	})
	f := newFixture(t, nil, at(t, sink.URL, unconfirmed))
	one, other := f.poster.OpenSession(), f.poster.OpenSession()
	defer one.Close()
	defer other.Close()
	post(t, one, 1)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-arrived
		cancel()
	}()
	_, err := other.Deliver(ctx, events(1))
	require.ErrorIs(t, err, context.Canceled)
	close(answer)
	post(t, one, 1)
	assert.False(t, isLost(one))
	assert.EqualValues(t, 1, sink.connections.Load())
}

func TestASessionThatIsClosedPostsNoMore(t *testing.T) {
	s, _ := openSession(t, "http://127.0.0.1:1", unconfirmed)
	s.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	_, err := s.Deliver(ctx, events(1))
	require.Error(t, err)
}
