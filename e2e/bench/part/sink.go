package main

import (
	"bytes"
	"context"
	"net/http"
	"sync"
	"time"

	"aks-audit-log-go/e2e/bench/control"
	"aks-audit-log-go/e2e/bench/load"
)

// sink is a webhook that counts and forgets.
type sink struct {
	control.Counter
	delay time.Duration
}

// bodies are buffers to read POSTs into.
var bodies = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// ServeHTTP takes a POST, in place of the Counter's page.
func (s *sink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	came := time.Now()
	body, _ := bodies.Get().(*bytes.Buffer)
	defer bodies.Put(body)
	body.Reset()
	if _, err := body.ReadFrom(r.Body); err != nil {
		http.Error(w, "read the body: "+err.Error(), http.StatusBadRequest)
		return
	}
	if s.delay > 0 {
		select {
		case <-time.After(s.delay):
		case <-r.Context().Done(): // it was not accepted, since nobody hears the answer
			return
		}
	}
	var waits []time.Duration
	var ids []string
	accepted := time.Now()
	events := load.Scan(body.Bytes(), accepted, func(id string, wait time.Duration) {
		ids, waits = append(ids, id), append(waits, wait)
	})
	s.Identify(ids)
	s.Add(came, accepted, events, body.Len(), waits)
}

func runSink(ctx context.Context, o options) error {
	s := &sink{delay: o.delay}
	address, wait, err := control.Serve(ctx, s)
	if err != nil {
		return err
	}
	if err := s.Tell(ctx, o.stdout, control.Announcement{URL: "http://" + address + "/k8s-audit"}); err != nil {
		return err
	}
	return wait()
}
