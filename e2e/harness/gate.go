package harness

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// Gate is a webhook that can hold its answers.
type Gate struct {
	*httptest.Server

	mu      sync.Mutex
	changed *sync.Cond
	held    bool
	bodies  []string // of all POSTs with audit events, answered or not
}

// StartGate starts a webhook that answers at once.
func StartGate(t *testing.T) *Gate {
	t.Helper()
	g := &Gate{}
	g.changed = sync.NewCond(&g.mu)
	g.Server = httptest.NewServer(http.HandlerFunc(g.take))
	t.Cleanup(func() {
		g.Release()
		g.Close()
	})
	return g
}

// take handles a POST.
func (g *Gate) take(_ http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if events, err := EventsOf(body); err != nil || len(events) > 0 {
		g.bodies = append(g.bodies, string(body))
	}
	for g.held {
		g.changed.Wait()
	}
}

// HoldAnswers holds all further answers until Release.
func (g *Gate) HoldAnswers() { g.hold(true) }

// Release sends the held answers and all later ones.
func (g *Gate) Release() { g.hold(false) }

// hold sets whether answers are held.
func (g *Gate) hold(held bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.held = held
	g.changed.Broadcast()
}

// Posted returns the bodies of all POSTs with audit events.
func (g *Gate) Posted() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]string(nil), g.bodies...)
}

// PostedOf returns the audit events of a partition in the order in which they were posted.
func (g *Gate) PostedOf(t *testing.T, partition string) []string {
	t.Helper()
	return PerPartition(t, g.Posted())[partition]
}
