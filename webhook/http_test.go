package webhook

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/forwarder/audit"
)

// webhookServer is a real sink on the loopback that records its requests.
type webhookServer struct {
	*httptest.Server
	connections atomic.Int64

	mu       sync.Mutex
	bodies   []string
	headers  []http.Header
	methods  []string
	barriers atomic.Int64
}

// serve answers the n-th request, from 0, with handler, after its body was read. It accepts barriers and does not
// count them.
func serve(t testing.TB, handler func(n int, w http.ResponseWriter, r *http.Request)) *webhookServer {
	t.Helper()
	s := &webhookServer{}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		if string(body) == "[]" {
			s.barriers.Add(1)
			return
		}
		s.mu.Lock()
		n := len(s.bodies)
		s.bodies = append(s.bodies, string(body))
		s.headers = append(s.headers, r.Header)
		s.methods = append(s.methods, r.Method+" "+r.URL.String())
		s.mu.Unlock()
		handler(n, w, r)
	}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			s.connections.Add(1)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	return s
}

func (s *webhookServer) got() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.bodies...)
}

const (
	// failAfter bounds the wait of a test for something that must happen. It matters only if the test fails.
	failAfter = 2 * time.Minute
	// hangsFor is the POSTTIMEOUT of a test with a sink that hangs at first. The sink must answer within it, on a busy
	// machine too.
	hangsFor = 2 * time.Second
)

// answering returns a handler that answers with one status after the other, and then always with the last.
func answering(statuses ...int) func(int, http.ResponseWriter, *http.Request) {
	return func(n int, w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(statuses[min(n, len(statuses)-1)])
	}
}

// at makes the poster post to the address, with delays that are short enough for a test.
func at(t testing.TB, address string, change ...func(*forwarder.Config)) func(*forwarder.Config) {
	u, err := url.Parse(address)
	require.NoError(t, err)
	return func(cfg *forwarder.Config) {
		cfg.SinkURL = u
		cfg.PostRetryDelay = time.Millisecond
		for _, c := range change {
			c(cfg)
		}
	}
}

func TestAnEventIsPostedAsItIs(t *testing.T) {
	sink := serve(t, answering(200))
	f := newFixture(t, nil, at(t, sink.URL+"/k8s-audit?source=aks"))
	outcomes, err := f.Deliver(t.Context(), events(3))
	require.NoError(t, err)
	assert.Equal(t, delivered(3), outcomes)
	assert.Equal(t, bodies(events(3)), sink.got())
	assert.Equal(t, "POST /k8s-audit?source=aks", sink.methods[0])
	assert.Equal(t, []string{"application/json"}, sink.headers[0]["Content-Type"])
	assert.Equal(t, []string{"aks-audit-log-go/" + forwarder.Version}, sink.headers[0]["User-Agent"])
	assert.Empty(t, sink.headers[0]["Idempotency-Key"], "net/http would repeat such a POST by itself")
	assert.Empty(t, sink.headers[0]["Authorization"])
}

func TestEverySuccessStatusIsSuccess(t *testing.T) {
	for _, status := range []int{200, 201, 202, 204} {
		f := newFixture(t, nil, at(t, serve(t, answering(status)).URL))
		outcomes, err := f.Deliver(t.Context(), events(1))
		require.NoError(t, err)
		assert.Equal(t, delivered(1), outcomes, "status %d", status)
	}
}

func TestEachAttemptSendsTheWholeBodyAgain(t *testing.T) {
	sink := serve(t, answering(503))
	f := newFixture(t, nil, at(t, sink.URL, drop))
	_, err := f.Deliver(t.Context(), events(1))
	require.NoError(t, err)
	require.Len(t, sink.got(), 6, "5 retries are 6 posts")
	for _, body := range sink.got() {
		assert.Equal(t, string(event(0).JSON), body)
	}
	assert.EqualValues(t, 1, sink.connections.Load(), "answers that are no success free their connections too")
}

func TestARefusedConnectionIsRetriedForever(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // loopback
	require.NoError(t, err)
	address := listener.Addr().String()
	require.NoError(t, listener.Close())

	f := newFixture(t, nil, at(t, "http://"+address))
	results := deliverAside(t.Context(), f, events(2))
	require.Eventually(t, func() bool { return f.poster.log.held.Load() == 1 }, failAfter, time.Millisecond)
	ready, why := f.health.Ready()
	assert.False(t, ready)
	assert.Contains(t, why, "connection refused")

	sink := serveOn(t, address)
	got := <-results
	require.NoError(t, got.err)
	assert.Equal(t, delivered(2), got.outcomes)
	assert.Equal(t, bodies(events(2)), sink.got())
	ready, _ = f.health.Ready()
	assert.True(t, ready)
}

// serveOn starts a sink on an address that has become free.
func serveOn(t *testing.T, address string) *webhookServer {
	t.Helper()
	listener, err := net.Listen("tcp", address) //nolint:noctx // loopback
	require.NoError(t, err)
	s := &webhookServer{}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.bodies = append(s.bodies, string(body))
	}))
	require.NoError(t, s.Listener.Close())
	s.Listener = listener
	s.Start()
	t.Cleanup(s.Close)
	return s
}

func TestAPostThatHangsIsTriedAgain(t *testing.T) {
	sink := serve(t, func(n int, _ http.ResponseWriter, r *http.Request) {
		if n == 0 {
			<-r.Context().Done() // until the poster closes the connection
		}
	})
	f := newFixture(t, nil, at(t, sink.URL, func(cfg *forwarder.Config) { cfg.PostTimeout = hangsFor }))
	outcomes, err := f.Deliver(t.Context(), events(1))
	require.NoError(t, err)
	assert.Equal(t, delivered(1), outcomes)
	assert.EqualValues(t, 1, f.posts("error"))
	assert.Contains(t, f.everything(), "no answer within "+hangsFor.String())
}

// hijacked takes the connection from the server, writes raw to it, and resets it.
func hijacked(t *testing.T, w http.ResponseWriter, raw string) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if !assert.NoError(t, err) {
		return
	}
	_, _ = io.WriteString(conn, raw)
	// With SetLinger(0), closing sends a reset.
	_ = conn.(*net.TCPConn).SetLinger(0)
	_ = conn.Close()
}

func TestAConnectionThatEndsBeforeTheStatusIsRetried(t *testing.T) {
	for name, raw := range map[string]string{
		"nothing":           "",
		"half a status":     "HTTP/1.1 20",
		"half a header":     "HTTP/1.1 200 OK\r\nContent-Le",
		"another protocol":  "SSH-2.0-OpenSSH_9.6\r\n",
		"an endless header": "HTTP/1.1 200 OK\r\nX: ",
	} {
		t.Run(name, func(t *testing.T) {
			sink := serve(t, func(n int, w http.ResponseWriter, _ *http.Request) {
				if n == 0 {
					hijacked(t, w, raw)
				}
			})
			f := newFixture(t, nil, at(t, sink.URL))
			outcomes, err := f.Deliver(t.Context(), events(2))
			require.NoError(t, err)
			assert.Equal(t, delivered(2), outcomes)
			assert.Equal(t, []string{string(event(0).JSON), string(event(0).JSON), string(event(1).JSON)}, sink.got())
		})
	}
}

// The status was read, so the sink has accepted the event: another POST would double it.
func TestAnAnswerThatBreaksOffBehindItsStatusCounts(t *testing.T) {
	sink := serve(t, func(n int, w http.ResponseWriter, _ *http.Request) {
		if n > 0 {
			return
		}
		w.Header().Set("Content-Length", "100")
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})
	f := newFixture(t, nil, at(t, sink.URL))
	outcomes, err := f.Deliver(t.Context(), events(2))
	require.NoError(t, err)
	assert.Equal(t, delivered(2), outcomes)
	assert.Equal(t, bodies(events(2)), sink.got())
}

func TestRetryAfterIsReadFromARealAnswer(t *testing.T) {
	sink := serve(t, func(n int, w http.ResponseWriter, _ *http.Request) {
		if n == 0 {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusTooManyRequests)
		}
	})
	f := newFixture(t, nil, at(t, sink.URL))
	start := time.Now()
	_, err := f.Deliver(t.Context(), events(1))
	require.NoError(t, err)
	assert.GreaterOrEqual(t, time.Since(start), time.Second)
}

func TestARedirectIsNotFollowed(t *testing.T) {
	var followed atomic.Int64
	elsewhere := serve(t, func(int, http.ResponseWriter, *http.Request) { followed.Add(1) })
	sink := serve(t, func(_ int, w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere.URL+"/there?token=hush", http.StatusTemporaryRedirect)
	})
	f := newFixture(t, nil, at(t, sink.URL, drop))
	outcomes, err := f.Deliver(t.Context(), events(1))
	require.NoError(t, err)
	assert.Equal(t, audit.Dropped, outcomes[0].Verdict)
	assert.Equal(t, "post to "+sink.URL+": the sink answered 307 Temporary Redirect, to "+elsewhere.URL+"/there", outcomes[0].Reason)
	assert.Zero(t, followed.Load())
}

func TestTheSinksTextIsInTheReason(t *testing.T) {
	sink := serve(t, func(_ int, w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "wrong Content Type", http.StatusBadRequest)
	})
	f := newFixture(t, nil, at(t, sink.URL))
	outcomes, err := f.Deliver(t.Context(), events(1))
	require.NoError(t, err)
	assert.Equal(t, "post to "+sink.URL+`: the sink answered 400 Bad Request: "wrong Content Type"`, outcomes[0].Reason)
}

func TestOneConnectionServesAThousandEvents(t *testing.T) {
	sink := serve(t, func(_ int, w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "thank you") })
	f := newFixture(t, nil, at(t, sink.URL))
	outcomes, err := f.Deliver(t.Context(), events(1000))
	require.NoError(t, err)
	assert.Equal(t, delivered(1000), outcomes)
	assert.Equal(t, bodies(events(1000)), sink.got())
	// On a busy machine net/http sometimes drops a connection (maxWriteWaitBeforeConnReuse).
	assert.LessOrEqual(t, sink.connections.Load(), int64(10))
	assert.Equal(t, counts{sent: 1000, succeeded: 1000}, f.counts())
	assert.EqualValues(t, 1000, f.posts("2xx"))
}

func TestKeepAliveOffClosesEachConnection(t *testing.T) {
	sink := serve(t, answering(200))
	f := newFixture(t, nil, at(t, sink.URL, func(cfg *forwarder.Config) { cfg.KeepAlive = false }))
	_, err := f.Deliver(t.Context(), events(20))
	require.NoError(t, err)
	assert.EqualValues(t, 20, sink.connections.Load())
}

func TestPartitionsPostAtTheSameTime(t *testing.T) {
	const partitions = 32
	sink := serve(t, answering(200))
	f := newFixture(t, nil, at(t, sink.URL))
	var all []<-chan result
	for range partitions {
		all = append(all, deliverAside(t.Context(), f, events(50)))
	}
	for _, one := range all {
		got := <-one
		require.NoError(t, got.err)
		assert.Equal(t, delivered(50), got.outcomes)
	}
	assert.Len(t, sink.got(), partitions*50)
	// net/http dials if it finds no idle connection, and may then get one that just became idle. So there are a few
	// more connections than partitions, but not one for each POST.
	assert.LessOrEqual(t, sink.connections.Load(), int64(3*partitions))
}

func TestAContextThatEndsHangsUp(t *testing.T) {
	arrived, left := make(chan struct{}), make(chan struct{})
	sink := serve(t, func(_ int, _ http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-r.Context().Done()
		close(left)
	})
	f := newFixture(t, nil, at(t, sink.URL))
	ctx, cancel := context.WithCancel(t.Context())
	results := deliverAside(ctx, f, events(1))
	<-arrived
	cancel()
	got := <-results
	require.ErrorIs(t, got.err, context.Canceled)
	assert.Empty(t, got.outcomes)
	<-left
}
