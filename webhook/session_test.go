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

// patient settings keep everything unsettled for longer than a test takes.
func patient(cfg *forwarder.Config) { cfg.SinkReplay, cfg.SinkSettleTime = true, time.Hour }

// openLane opens a lane to a real sink.
func openLane(t *testing.T, address string, change ...func(*forwarder.Config)) (*Session, *fixture) {
	t.Helper()
	f := newFixture(t, nil, at(t, address, change...))
	l := f.poster.OpenSession()
	t.Cleanup(l.Close)
	return l, f
}

func awaitLoss(t *testing.T, l *Session) {
	t.Helper()
	select {
	case <-l.Lost():
	case <-time.After(patience):
		t.Fatal("the loss was not noticed")
	}
	require.ErrorIs(t, l.Err(), confirm.ErrLost)
}

func TestASinkThatClosesTheIdleConnectionHasLostWhatIsNotSettled(t *testing.T) {
	sink := serve(t, answering(200))
	l, _ := openLane(t, sink.URL, patient)
	post(t, l, 3)
	sink.CloseClientConnections()
	awaitLoss(t, l)
	assert.Zero(t, l.Confirmed())
	_, err := l.Deliver(t.Context(), events(1))
	require.ErrorIs(t, err, confirm.ErrLost)
	assert.EqualValues(t, 1, sink.connections.Load(), "nothing overtakes what was lost")
	assert.Len(t, sink.got(), 3)
}

func TestASinkThatResetsTheIdleConnectionHasLostWhatIsNotSettled(t *testing.T) {
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
	l, _ := openLane(t, sink.URL, patient)
	post(t, l, 1)
	assert.False(t, isLost(l))
	close(reset)
	awaitLoss(t, l)
}

func TestTheGoodByeOfTLSIsALoss(t *testing.T) {
	sink := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
	sink.StartTLS()
	t.Cleanup(sink.Close)
	l, _ := openLane(t, sink.URL, patient)
	l.client.Transport.(*http.Transport).TLSClientConfig.RootCAs = certificatesOf(sink)
	post(t, l, 2)
	sink.CloseClientConnections()
	awaitLoss(t, l)
}

func certificatesOf(server *httptest.Server) *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(server.Certificate())
	return pool
}

// The sink's address is given up between the two, so that there is nothing to close.
func TestASinkThatRefusesIsALossOnlyIfSomethingIsNotSettled(t *testing.T) {
	for name, settled := range map[string]bool{"settled": true, "not settled": false} {
		t.Run(name, func(t *testing.T) {
			sink := serve(t, answering(200))
			l, f := openLane(t, sink.URL, patient, func(cfg *forwarder.Config) {
				if settled {
					cfg.SinkSettleTime = 0
				}
			})
			post(t, l, 1)
			l.client.CloseIdleConnections()
			sink.Close()
			assert.False(t, isLost(l), "we closed it")
			results := make(chan error, 1)
			go func() {
				_, err := l.Deliver(t.Context(), events(1))
				results <- err
			}()
			if !settled {
				awaitLoss(t, l)
				err := <-results
				require.ErrorIs(t, err, confirm.ErrLost)
				assert.Contains(t, err.Error(), "connection refused")
				return
			}
			require.Eventually(t, func() bool { return f.poster.log.held.Load() == 1 }, patience, time.Millisecond)
			assert.False(t, isLost(l))
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
	l, _ := openLane(t, sink.URL, patient)
	outcomes, err := deliverAll(t.Context(), l, events(2))
	require.ErrorIs(t, err, confirm.ErrLost)
	assert.Equal(t, delivered(1), outcomes)
	awaitLoss(t, l)
}

func TestAPostThatTimesOutIsNoLoss(t *testing.T) {
	sink := serve(t, func(n int, _ http.ResponseWriter, r *http.Request) {
		if n == 1 || n == 2 {
			<-r.Context().Done() // until the poster hangs up
		}
	})
	l, _ := openLane(t, sink.URL, patient, func(cfg *forwarder.Config) { cfg.PostTimeout = hangsFor })
	post(t, l, 3)
	assert.False(t, isLost(l))
	assert.EqualValues(t, 3, sink.connections.Load(), "one at a time")
	sink.CloseClientConnections()
	awaitLoss(t, l)
}

func TestASinkThatDoesNotTakeSomethingIsNotLost(t *testing.T) {
	sink := serve(t, answering(200, 429, 503, 404, 500, 200))
	l, _ := openLane(t, sink.URL, patient)
	post(t, l, 2)
	assert.False(t, isLost(l))
	assert.EqualValues(t, 1, sink.connections.Load())
}

func TestAnIdleConnectionIsWatchedUntilEverythingIsSettledAndThenClosed(t *testing.T) {
	sink := serve(t, answering(200))
	l, _ := openLane(t, sink.URL, func(cfg *forwarder.Config) { cfg.SinkReplay, cfg.SinkSettleTime = true, 5*time.Second })
	post(t, l, 1)
	l.closeIdle()
	assert.Positive(t, l.tracker.KeepOpenFor(), "not yet")
	require.NoError(t, l.Confirm(t.Context()))
	assert.Zero(t, l.tracker.KeepOpenFor())
	l.closeIdle()
	post(t, l, 1)
	assert.False(t, isLost(l))
	assert.EqualValues(t, 2, sink.connections.Load())
}

// Its first three closings are taken for losses.
func TestASinkThatClosesEachConnectionBehindItsAnswerIsFoundOut(t *testing.T) {
	sink := serve(t, func(_ int, w http.ResponseWriter, _ *http.Request) { w.Header().Set("Connection", "close") })
	f := newFixture(t, nil, at(t, sink.URL, patient))
	for range 3 {
		l := f.poster.OpenSession()
		post(t, l, 1)
		assert.True(t, isLost(l))
		l.Close()
	}
	l := f.poster.OpenSession()
	defer l.Close()
	post(t, l, 20)
	assert.False(t, isLost(l))
}

// That is what Falco's plugin does when it is asked to stop.
func TestASinkThatStopsBehindItsAnswerHasLostWhatIsNotSettled(t *testing.T) {
	sink := serve(t, func(n int, w http.ResponseWriter, _ *http.Request) {
		if n == 9 {
			w.Header().Set("Connection", "close")
		}
	})
	l, _ := openLane(t, sink.URL, patient)
	post(t, l, 10)
	awaitLoss(t, l)
}

func TestWithoutKeepAliveAConnectionThatEndsIsNoLossAndOneThatIsRefusedIs(t *testing.T) {
	sink := serve(t, answering(200))
	l, _ := openLane(t, sink.URL, patient, func(cfg *forwarder.Config) { cfg.KeepAlive = false })
	post(t, l, 10)
	assert.False(t, isLost(l))
	sink.Close()
	_, err := l.Deliver(t.Context(), events(1))
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
	l, _ := openLane(t, sink.URL, patient, func(cfg *forwarder.Config) { cfg.KeepAlive = false })
	post(t, l, 10)
	assert.False(t, isLost(l))
}

func TestEachLaneHasAConnectionOfItsOwn(t *testing.T) {
	sink := serve(t, answering(200))
	f := newFixture(t, nil, at(t, sink.URL, patient))
	var lanes []*Session
	for range 4 {
		l := f.poster.OpenSession()
		defer l.Close()
		lanes = append(lanes, l)
		post(t, l, 5)
	}
	assert.EqualValues(t, 4, sink.connections.Load())
	lanes[0].client.CloseIdleConnections()
	for _, l := range lanes {
		assert.False(t, isLost(l))
	}
}

func TestALaneThatIsClosedConnectsNoMore(t *testing.T) {
	l, _ := openLane(t, "http://127.0.0.1:1", patient)
	l.Close()
	_, err := httpclient.New(httpclient.Options{Watcher: l.tracker}).Get("http://127.0.0.1:1") //nolint:noctx // it does not get there
	require.ErrorContains(t, err, "the session is closed")
}
