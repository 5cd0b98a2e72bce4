// Package profiles serves the profiles of net/http/pprof, at an address of their own.
package profiles

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"time"
)

// readHeaderTimeout bounds how long the header of a request may take. An answer has no limit, because the client
// chooses how long a profile takes.
const readHeaderTimeout = 5 * time.Second

// Server serves profiles below /debug/pprof/.
type Server struct {
	http     *http.Server
	listener net.Listener
}

// Listen binds the address, so that a port in use is reported before anything else starts. Call Serve or Close next.
func Listen(ctx context.Context, address string) (*Server, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen for profiles on %s: %w", address, err)
	}
	// Importing net/http/pprof also adds the handlers to http.DefaultServeMux, but that is not served.
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index) // it serves heap, goroutine and the others by their names
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return &Server{http: &http.Server{Handler: mux, ReadHeaderTimeout: readHeaderTimeout}, listener: listener}, nil
}

// Addr returns the address that the server listens on. If the port was 0, it has the chosen port.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// Serve answers requests until Close is called, and then returns nil.
func (s *Server) Serve() error {
	if err := s.http.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve profiles on %s: %w", s.Addr(), err)
	}
	return nil
}

// Close ends the server at once. It does not wait for profiles that are being taken, because only developers use them.
func (s *Server) Close() {
	// Both fail only if the listener is closed already.
	_ = s.http.Close()
	_ = s.listener.Close()
}
