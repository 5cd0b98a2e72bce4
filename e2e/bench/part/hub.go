package main

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"aks-audit-log-go/e2e/bench/control"
	"aks-audit-log-go/e2e/bench/load"
	"aks-audit-log-go/internal/hubtest"
)

// hub is the emulator and what fills it.
type hub struct {
	server *hubtest.Server
	next   int // the partition of the next hub event
}

func runHub(ctx context.Context, o options) error {
	server, err := hubtest.Start(hubtest.Config{Hub: "benchmark", Partitions: o.partitions})
	if err != nil {
		return err
	}
	defer server.Close()
	h := &hub{server: server}
	pages := http.NewServeMux()
	pages.HandleFunc("POST /fill", h.fill)
	pages.HandleFunc("POST /pace", h.pace)
	address, wait, err := control.Serve(ctx, pages)
	if err != nil {
		return err
	}
	if err := control.Announce(o.stdout, control.Announcement{
		Control: address, Plain: server.PlainConnectionString(), Secure: server.ConnectionString(),
		Hub: server.HubName(), CA: string(server.CAPEM()),
	}); err != nil {
		return err
	}
	return wait()
}

// append puts a hub event into the next partition in turn.
func (h *hub) append(body []byte) {
	ids := h.server.PartitionIDs()
	h.server.Append(ids[h.next%len(ids)], body)
	h.next++
}

// fill appends hubEvents hub events of the shape that records, size and mixed say. They have load.Bodies different
// bodies. The hub keeps each body once, so that a deep backlog takes no memory.
func (h *hub) fill(w http.ResponseWriter, r *http.Request) {
	hubEvents, shape, err := amounts(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	bodies := shape.Bodies()
	for n := range hubEvents {
		// Each round begins with another body, so that each partition gets all of them.
		h.append(bodies[(n+n/len(bodies))%len(bodies)])
	}
}

// pace appends hubEvents hub events of records audit events each, one every so often, and answers
// when it is done. Each audit event says when it was appended.
func (h *hub) pace(w http.ResponseWriter, r *http.Request) {
	hubEvents, shape, err := amounts(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	every, err := time.ParseDuration(r.URL.Query().Get("every"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	stamped := load.NewStamped(shape.Records)
	due := time.Now()
	for range hubEvents {
		// A late one does not make the next late: the rate holds.
		timer := time.NewTimer(time.Until(due))
		select {
		case <-timer.C:
		case <-r.Context().Done():
			timer.Stop()
			return
		}
		h.append(stamped.At(time.Now()))
		due = due.Add(every)
	}
}

// amounts reads hubEvents and records, and size and mixed, which may be missing.
func amounts(r *http.Request) (hubEvents int, shape load.Shape, err error) {
	query := r.URL.Query()
	if hubEvents, err = strconv.Atoi(query.Get("hubEvents")); err != nil {
		return 0, shape, fmt.Errorf("hubEvents: %w", err)
	}
	if shape.Records, err = strconv.Atoi(query.Get("records")); err != nil {
		return 0, shape, fmt.Errorf("records: %w", err)
	}
	if size := query.Get("size"); size != "" {
		if shape.Size, err = strconv.Atoi(size); err != nil {
			return 0, shape, fmt.Errorf("size: %w", err)
		}
	}
	shape.Mixed = query.Has("mixed")
	return hubEvents, shape, nil
}
