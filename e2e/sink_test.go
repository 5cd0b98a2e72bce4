package e2e

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
)

// sink is a plain webhook that keeps each accepted body as it came.
type sink struct {
	*httptest.Server

	mu      sync.Mutex
	status  int // what it answers
	bodies  []string
	posts   int // all, refused ones too
	request *http.Request
	refused string // the body that it answers with 400
}

// startSink serves on a port of its own and accepts until told otherwise.
func startSink(t *testing.T) *sink {
	t.Helper()
	s := &sink{status: http.StatusOK}
	s.Server = httptest.NewServer(http.HandlerFunc(s.take))
	t.Cleanup(s.Close)
	return s
}

func (s *sink) take(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, "read the body: "+err.Error(), http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.posts++
	s.request = r
	if s.refused != "" && string(body) == s.refused {
		http.Error(w, "refused for good", http.StatusBadRequest)
		return
	}
	if s.status/100 == 2 {
		s.bodies = append(s.bodies, string(body))
	}
	w.WriteHeader(s.status)
}

// answer makes it answer every POST with status from now on.
func (s *sink) answer(status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status = status
}

// refuse makes it answer this one body with 400 from now on.
func (s *sink) refuse(body string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refused = body
}

// accepted answers the bodies that got a 2xx, in order.
func (s *sink) accepted() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.bodies)
}

// posted is how many POSTs came, refused ones included.
func (s *sink) posted() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.posts
}

// lastRequest is the last POST, without its body.
func (s *sink) lastRequest() *http.Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.request
}

// await waits until n bodies were accepted and answers them all.
func (s *sink) await(t *testing.T, n int) []string {
	t.Helper()
	eventually(t, func() bool { return len(s.accepted()) >= n }, "the sink accepted %d bodies", n)
	return s.accepted()
}
