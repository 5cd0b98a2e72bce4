package harness

import (
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// RelayFault answers a request in place of the webhook. It returns false if the relay has to forward the request.
type RelayFault func(w http.ResponseWriter, r *http.Request) bool

// Relay is an HTTP proxy in front of a webhook. Like a sidecar or an ingress, it keeps its clients' connections when
// those to the webhook end. It answers 503 while there is no webhook.
type Relay struct {
	*httptest.Server
	// server is the header Server of each answer, or "" for none.
	server  string
	forward *http.Transport

	mu     sync.Mutex
	target string
	fault  RelayFault
	// answered is how many requests the relay has answered without the webhook.
	answered int
}

// StartRelay starts a relay in front of the webhook at url. server is its name in the header Server, or "" for none.
func StartRelay(t *testing.T, url, server string) *Relay {
	t.Helper()
	r := &Relay{server: server, forward: &http.Transport{}}
	r.PointTo(url)
	r.Server = httptest.NewServer(http.HandlerFunc(r.take))
	t.Cleanup(func() {
		r.CloseClientConnections() // a webhook that does not answer keeps a request waiting
		r.Close()
		r.forward.CloseIdleConnections()
	})
	return r
}

// SinkURL returns the value for WEBSINKURL.
func (r *Relay) SinkURL() string { return r.URL + "/k8s-audit" }

// PointTo changes the webhook.
func (r *Relay) PointTo(url string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.target = url
}

// Set sets a fault. nil ends it.
func (r *Relay) Set(fault RelayFault) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fault = fault
}

// Answered returns how many requests the relay has answered itself.
func (r *Relay) Answered() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.answered
}

// answersItself counts a request that the relay answers without the webhook.
func (r *Relay) answersItself() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answered++
}

// take handles a request.
func (r *Relay) take(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	fault := r.fault
	r.mu.Unlock()
	if r.server != "" {
		w.Header().Set("Server", r.server)
	}
	if fault != nil && fault(w, req) {
		r.answersItself()
		return
	}
	answer, err := r.Forward(req)
	if req.Context().Err() != nil {
		return // the client has closed the connection
	}
	if err != nil {
		r.answersItself()
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, "upstream connect error or disconnect/reset before headers. reset reason: connection termination")
		return
	}
	defer func() { _ = answer.Body.Close() }()
	maps.Copy(w.Header(), answer.Header)
	w.WriteHeader(answer.StatusCode)
	_, _ = io.Copy(w, answer.Body)
}

// Forward forwards a request to the webhook, and returns the answer. It never repeats a request.
func (r *Relay) Forward(req *http.Request) (*http.Response, error) {
	r.mu.Lock()
	target := r.target
	r.mu.Unlock()
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	out, err := http.NewRequestWithContext(req.Context(), req.Method, target, io.NopCloser(strings.NewReader(string(body))))
	if err != nil {
		return nil, err
	}
	out.ContentLength = int64(len(body))
	out.Header = req.Header.Clone()
	return r.forward.RoundTrip(out)
}
