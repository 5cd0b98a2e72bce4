package e2e

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// gate is a webhook that can keep its answers back.
type gate struct {
	*httptest.Server

	mu      sync.Mutex
	changed *sync.Cond
	shut    bool
	began   []string // bodies of the POSTs that came, answered or not
}

// startGate serves with its gate open.
func startGate(t *testing.T) *gate {
	t.Helper()
	g := &gate{}
	g.changed = sync.NewCond(&g.mu)
	g.Server = httptest.NewServer(http.HandlerFunc(g.take))
	t.Cleanup(func() {
		g.open()
		g.Close()
	})
	return g
}

func (g *gate) take(_ http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.began = append(g.began, string(body))
	for g.shut {
		g.changed.Wait()
	}
}

// keepBack has answers wait from now on, open lets them go.
func (g *gate) keepBack() { g.set(true) }
func (g *gate) open()     { g.set(false) }

func (g *gate) set(shut bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.shut = shut
	g.changed.Broadcast()
}

// posted are the bodies of all POSTs that came.
func (g *gate) posted() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]string(nil), g.began...)
}
