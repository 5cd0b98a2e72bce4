package status

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/sirupsen/logrus"

	"aks-audit-log-go/forwarder/health"
	"aks-audit-log-go/forwarder/history"
)

// The time-outs and limits of the statistics server. Its clients are Prometheus and the kubelet, which request small
// pages over a fast network. A slower client only holds a connection. See also connections and scrapes.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 10 * time.Second
	writeTimeout      = 30 * time.Second // longer than any usual scrape_timeout
	idleTimeout       = 30 * time.Second // Prometheus opens a new connection if it scrapes less often
	closeTimeout      = 3 * time.Second  // for the requests in flight when the daemon ends
	maxHeaderBytes    = 4 << 10          // net/http reads 4 KiB more before it answers 431
)

// Server is the statistics server: /metrics, /healthz, /readyz, and the status page at /.
type Server struct {
	addr     string
	http     *http.Server
	listener net.Listener
	// grace bounds the wait for requests in flight. It is closeTimeout, except in tests.
	grace time.Duration
}

// NewServer returns a server of the metrics in reg, of health, status and the history kept. addr has the form
// [host]:port. names are host names under which the status is shown, in addition to the default ones (see hosts).
// Failures of single requests are logged to logger at debug level. The server does not listen yet.
func NewServer(addr string, names []string, reg *prometheus.Registry, health *health.Health, status func() Status,
	kept *history.History, logger logrus.FieldLogger,
) *Server {
	errorLog, hosts := log.New(debugWriter{logger}, "", 0), newHosts(names)
	mux := http.NewServeMux()
	// A pattern with GET matches HEAD too. The mux answers other methods with 405.
	mux.Handle("GET /metrics", newScrapes(promhttp.HandlerFor(reg, promhttp.HandlerOpts{
		ErrorLog: errorLog, EnableOpenMetrics: true, // see predecessorCounter in package metrics
	})))
	mux.HandleFunc("GET /healthz", probe(health.Alive))
	mux.HandleFunc("GET /readyz", probe(health.Ready))
	mux.HandleFunc("GET /status.json", hosts.only(statusJSON(status)))
	mux.HandleFunc("GET /history.json", hosts.only(historyJSON(kept)))
	mux.HandleFunc("GET /{$}", hosts.only(root()))
	return &Server{
		addr:  addr,
		grace: closeTimeout,
		http: &http.Server{
			Handler:           mux,
			ReadHeaderTimeout: readHeaderTimeout,
			ReadTimeout:       readTimeout,
			WriteTimeout:      writeTimeout,
			IdleTimeout:       idleTimeout,
			MaxHeaderBytes:    maxHeaderBytes,
			ConnState:         newConnections(logger).note,
			ErrorLog:          errorLog,
		},
	}
}

// Listen binds the address, so that a port in use is reported before anything else starts. Call Serve next.
func (s *Server) Listen(ctx context.Context) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.addr)
	if err != nil {
		return fmt.Errorf("listen for statistics on %s: %w", s.addr, err)
	}
	s.listener = listener
	return nil
}

// Addr returns the address that the server listens on, with the chosen port if it was 0. Before Listen it returns the
// address given to NewServer.
func (s *Server) Addr() string {
	if s.listener == nil {
		return s.addr
	}
	return s.listener.Addr().String()
}

// Serve answers requests until ctx is done. Then it waits at most closeTimeout for the requests in flight and returns
// nil. It returns an error if the server ends in any other way, or if Listen was not called.
func (s *Server) Serve(ctx context.Context) error {
	if s.listener == nil {
		return errors.New("serve statistics: not listening")
	}
	ended := make(chan error, 1)
	go func() { ended <- s.http.Serve(s.listener) }()
	select {
	case err := <-ended:
		return fmt.Errorf("serve statistics on %s: %w", s.Addr(), err)
	case <-ctx.Done():
	}
	err := s.shutdown(ctx)
	if served := <-ended; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, fmt.Errorf("serve statistics on %s: %w", s.Addr(), served))
	}
	return err
}

// shutdown waits at most s.grace for the requests in flight, and then closes the server.
func (s *Server) shutdown(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.grace)
	defer cancel()
	err := s.http.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = s.http.Close()
	}
	if err != nil {
		return fmt.Errorf("shut down statistics on %s: %w", s.Addr(), err)
	}
	return nil
}

// probe returns a handler that answers 200 if holds reports true, or else 503, both with the reason.
func probe(holds func() (bool, string)) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		ok, reason := holds()
		status := http.StatusOK
		if !ok {
			status = http.StatusServiceUnavailable
		}
		answer(w, status, reason)
	}
}

func answer(w http.ResponseWriter, status int, text string) {
	header := w.Header()
	header.Set("Content-Type", "text/plain; charset=utf-8")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	// A write fails only if the client is gone, which needs no action.
	_, _ = io.WriteString(w, text+"\n")
}

// debugWriter passes the lines of the standard library's logger to logrus.
type debugWriter struct{ logger logrus.FieldLogger }

func (w debugWriter) Write(line []byte) (int, error) {
	w.logger.WithField("error", strings.TrimSpace(string(line))).Debug("statistics request failed")
	return len(line), nil
}
