// Package control is how the benchmark and the processes around the daemon talk: a part announces
// where it serves with one line of JSON on its standard output, and tells on a page of its own what it
// has seen so far.
package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Announcement is what a part says when it serves.
type Announcement struct {
	// Control is the address of the pages that tell of the part and command it.
	Control string `json:"control"`
	// URL is where a sink takes audit events.
	URL string `json:"url,omitempty"`
	// Plain and Secure are the hub's connection strings, Hub is its name, CA its authority as PEM.
	Plain  string `json:"plain,omitempty"`
	Secure string `json:"secure,omitempty"`
	Hub    string `json:"hub,omitempty"`
	CA     string `json:"ca,omitempty"`
}

// Announce is what a part does first of all.
func Announce(stdout io.Writer, a Announcement) error {
	if err := json.NewEncoder(stdout).Encode(a); err != nil {
		return fmt.Errorf("announce the part: %w", err)
	}
	return nil
}

// Counts is what a part has seen so far, the page /counts.
type Counts struct {
	Posts  int64 `json:"posts"`
	Events int64 `json:"events"` // audit events
	Bytes  int64 `json:"bytes"`
	// First and Last are when the first POST with audit events came and the last one was accepted, in nanoseconds since
	// 1970, 0 for never. A POST without audit events is a probe of the daemon.
	First int64 `json:"first"`
	Last  int64 `json:"last"`
	// Repeats is how many audit events came again, of those that say when they were appended: their IDs are unique.
	Repeats int64 `json:"repeats"`
	// Waits are the times from append to accepted of audit events that say when they were appended.
	Waits []time.Duration `json:"waits,omitempty"`
}

// Counter keeps Counts. The zero value has seen nothing.
type Counter struct {
	mu     sync.Mutex
	counts Counts
	ids    map[string]bool
}

// Add counts one POST, or one batch of what else a part takes.
func (c *Counter) Add(came, accepted time.Time, events, bytes int, waits []time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.counts.Posts++
	c.counts.Events += int64(events)
	c.counts.Bytes += int64(bytes)
	c.counts.Waits = append(c.counts.Waits, waits...)
	if events == 0 {
		return
	}
	if first := came.UnixNano(); c.counts.First == 0 || first < c.counts.First {
		c.counts.First = first
	}
	c.counts.Last = max(c.counts.Last, accepted.UnixNano())
}

// Identify counts how many audit events with these IDs came before.
func (c *Counter) Identify(ids []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ids == nil {
		c.ids = map[string]bool{}
	}
	for _, id := range ids {
		if c.ids[id] {
			c.counts.Repeats++
		}
		c.ids[id] = true
	}
}

// Counts is what was seen so far. The waits are many, so they are given only where they are wanted.
func (c *Counter) Counts(waits bool) Counts {
	c.mu.Lock()
	defer c.mu.Unlock()
	counts := c.counts
	if counts.Waits = nil; waits {
		counts.Waits = slices.Clone(c.counts.Waits)
	}
	return counts
}

// Reset forgets what was seen so far.
func (c *Counter) Reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.counts, c.ids = Counts{}, nil
}

// pages are GET /counts, with the waits if asked for /counts?waits=1, and POST /reset.
func (c *Counter) pages() http.Handler {
	pages := http.NewServeMux()
	pages.HandleFunc("GET /counts", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(c.Counts(r.URL.Query().Has("waits"))) // who asked is gone, that is no harm
	})
	pages.HandleFunc("POST /reset", func(http.ResponseWriter, *http.Request) { c.Reset() })
	return pages
}

// Serve serves handler on a free port of loopback until ctx ends, and says on which; wait answers why
// it ended, nil for the end of ctx.
func Serve(ctx context.Context, handler http.Handler) (address string, wait func() error, err error) {
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, fmt.Errorf("listen: %w", err)
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	go func() {
		<-ctx.Done()
		_ = server.Close() // the part ends, with any client connected
	}()
	return listener.Addr().String(), func() error {
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve: %w", err)
		}
		return nil
	}, nil
}

// Tell serves /counts and /reset until ctx ends, and announces that.
func (c *Counter) Tell(ctx context.Context, stdout io.Writer, a Announcement) error {
	address, _, err := Serve(ctx, c.pages())
	if err != nil {
		return err
	}
	a.Control = address
	return Announce(stdout, a)
}
