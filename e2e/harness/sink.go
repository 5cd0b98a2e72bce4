package harness

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"aks-audit-log-go/internal/certtest"
)

// Sink is a plain webhook that keeps each accepted audit event unchanged, whether it arrived alone or in a list.
type Sink struct {
	*httptest.Server

	mu      sync.Mutex
	status  int // the status of every answer
	events  []string
	posts   int // including refused ones, without empty ones
	request *http.Request
	refused string // a body with this audit event is answered with 400
	took    time.Time
}

// StartSink starts a sink that accepts everything.
func StartSink(t *testing.T) *Sink {
	t.Helper()
	s := &Sink{status: http.StatusOK}
	s.Server = httptest.NewServer(http.HandlerFunc(s.take))
	t.Cleanup(s.Close)
	return s
}

// take handles a POST.
func (s *Sink) take(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, "read the body: "+err.Error(), http.StatusBadRequest)
		return
	}
	events, err := EventsOf(body)
	if err != nil {
		http.Error(w, "parse the body: "+err.Error(), http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(events) > 0 {
		s.posts++
		s.request = r
	}
	if slices.Contains(events, s.refused) {
		http.Error(w, "refused for good", http.StatusBadRequest)
		return
	}
	if s.status/100 == 2 && len(events) > 0 {
		s.events = append(s.events, events...)
		s.took = time.Now()
	}
	w.WriteHeader(s.status)
}

// EventsOf returns the audit events of a body unchanged. As with Falco, a body may also be an array, even an empty
// one.
func EventsOf(body []byte) ([]string, error) {
	if bytes.HasPrefix(bytes.TrimSpace(body), []byte("[")) {
		return eventsOfArray(body)
	}
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

// eventsOfArray returns the audit events of all elements.
func eventsOfArray(body []byte) ([]string, error) {
	var elements []json.RawMessage
	if err := json.Unmarshal(body, &elements); err != nil {
		return nil, err
	}
	var events []string
	for _, element := range elements {
		more, err := EventsOf(element)
		if err != nil {
			return nil, err
		}
		events = append(events, more...)
	}
	return events, nil
}

// AnswerWith sets the status of all further answers.
func (s *Sink) AnswerWith(status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status = status
}

// Refuse makes the sink answer 400 to every further body with this audit event.
func (s *Sink) Refuse(event string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refused = event
}

// Accepted returns the audit events that were answered with 2xx, in order.
func (s *Sink) Accepted() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.events)
}

// LastTook returns when the sink accepted the last audit event, which was before it sent the answer.
func (s *Sink) LastTook() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.took
}

// Posted returns the number of POSTs with audit events, including refused ones.
func (s *Sink) Posted() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.posts
}

// LastRequest returns the last POST with audit events, without its body.
func (s *Sink) LastRequest() *http.Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.request
}

// Await waits until n audit events were accepted, and returns all accepted ones.
func (s *Sink) Await(t *testing.T, n int) []string {
	t.Helper()
	AwaitCount(t, n, func() int { return len(s.Accepted()) }, "audit events have not reached the sink")
	return s.Accepted()
}

// StartTLSSink starts a sink that requires a client certificate of ca.
func StartTLSSink(t *testing.T, ca *certtest.Authority) *Sink {
	t.Helper()
	s := &Sink{status: http.StatusOK}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(s.take))
	s.TLS = ca.ServerTLS(t, ca)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}
