package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
)

// sink is a plain webhook that keeps each accepted audit event as it came, alone or in a list.
type sink struct {
	*httptest.Server

	mu      sync.Mutex
	status  int // what it answers
	events  []string
	posts   int // all, refused ones too
	request *http.Request
	refused string // the audit event that it answers with 400, whatever comes with it
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
	events, err := eventsOf(body)
	if err != nil {
		http.Error(w, "parse the body: "+err.Error(), http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.posts++
	s.request = r
	if slices.Contains(events, s.refused) {
		http.Error(w, "refused for good", http.StatusBadRequest)
		return
	}
	if s.status/100 == 2 {
		s.events = append(s.events, events...)
	}
	w.WriteHeader(s.status)
}

// eventsOf answers the audit events of a body, each byte for byte.
func eventsOf(body []byte) ([]string, error) {
	var list struct {
		Kind  string            `json:"kind"`
		Items []json.RawMessage `json:"items"`
	}
	if err := json.Unmarshal(body, &list); err != nil {
		return nil, err
	}
	if list.Kind != "EventList" {
		return []string{string(body)}, nil
	}
	var events []string
	for _, item := range list.Items {
		events = append(events, string(item))
	}
	return events, nil
}

// answer makes it answer every POST with status from now on.
func (s *sink) answer(status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status = status
}

// refuse makes it answer with 400 from now on whatever holds this audit event.
func (s *sink) refuse(event string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refused = event
}

// accepted answers the audit events that got a 2xx, in order.
func (s *sink) accepted() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.events)
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

// await waits until n audit events were accepted and answers them all.
func (s *sink) await(t *testing.T, n int) []string {
	t.Helper()
	eventually(t, func() bool { return len(s.accepted()) >= n }, "the sink accepted %d audit events", n)
	return s.accepted()
}
