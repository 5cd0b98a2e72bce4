package eventhubtest

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"time"

	"aks-audit-log-go/eventhub"
)

// memoryHub is a hub whose partitions are slices. Its faults are set by the tests.
type Hub struct {
	mu         sync.Mutex
	changed    *sync.Cond
	Partitions map[string][]eventhub.Event
	First      map[string]int64
	displaced  chan struct{}
	// opened counts the calls of Receive; those up to deaf deliver nothing.
	opened, deaf int
	// failures are returned, one each, by the next calls of Receive.
	Failures []error
	// unreachable is what management calls return while it is set.
	unreachable error
}

func NewHub(partitions int) *Hub {
	hub := &Hub{Partitions: map[string][]eventhub.Event{}, First: map[string]int64{}, displaced: make(chan struct{})}
	hub.changed = sync.NewCond(&hub.mu)
	for _, id := range Ids(partitions) {
		hub.Partitions[id] = nil
	}
	return hub
}

func (h *Hub) Append(partition string, bodies ...[]byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, body := range bodies {
		sequence := int64(len(h.Partitions[partition]))
		h.Partitions[partition] = append(h.Partitions[partition], eventhub.Event{
			Body: body, Sequence: sequence, Offset: strconv.FormatInt(sequence*100, 10), Enqueued: Noon.Add(time.Duration(sequence) * time.Second),
		})
	}
	h.changed.Broadcast()
}

// displace ends every Receive under way with ErrDisplaced.
func (h *Hub) Displace() {
	h.mu.Lock()
	defer h.mu.Unlock()
	close(h.displaced)
	h.displaced = make(chan struct{})
}

func (h *Hub) SetUnreachable(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.unreachable = err
}

func (h *Hub) PartitionIDs(context.Context) ([]string, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return Ids(len(h.Partitions)), h.unreachable
}

func (h *Hub) PartitionInfo(_ context.Context, partition string) (eventhub.PartitionInfo, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	events := h.Partitions[partition]
	info := eventhub.PartitionInfo{First: h.First[partition], Last: eventhub.NoSequence, LastOffset: "-1"}
	if len(events) > 0 {
		newest := events[len(events)-1]
		info.Last, info.LastOffset, info.LastEnqueued = newest.Sequence, newest.Offset, newest.Enqueued
	}
	return info, h.unreachable
}

func (h *Hub) Close(context.Context) error { return nil }

func (h *Hub) Receive(ctx context.Context, partition string, from eventhub.Position, handle eventhub.Handler) error {
	displaced, number, failure := h.Open()
	if failure != nil {
		return failure
	}
	reading, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case <-displaced:
			cancel(eventhub.ErrDisplaced)
		case <-reading.Done():
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		h.changed.Broadcast()
	}()
	for {
		event, found := h.await(reading, partition, from, number)
		if !found {
			if ctx.Err() != nil {
				return nil
			}
			return context.Cause(reading)
		}
		handle(reading, event)
		from.Sequence = event.Sequence
	}
}

func (h *Hub) Open() (displaced chan struct{}, number int, failure error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.Failures) > 0 {
		failure, h.Failures = h.Failures[0], h.Failures[1:]
	}
	h.opened++
	return h.displaced, h.opened, failure
}

func (h *Hub) Links() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.opened
}

// goDeaf makes the links that are open deliver nothing more.
func (h *Hub) GoDeaf() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.deaf = h.opened
}

func (h *Hub) await(ctx context.Context, partition string, from eventhub.Position, number int) (event eventhub.Event, found bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for ; ctx.Err() == nil; h.changed.Wait() {
		for _, event := range h.Partitions[partition] {
			if number > h.deaf && event.Sequence > from.Sequence && event.Sequence >= h.First[partition] && event.Enqueued.After(from.Since) {
				event.Body = slices.Clone(event.Body) // whoever gets the event owns it
				return event, true
			}
		}
	}
	return eventhub.Event{}, false
}

// appendEvent puts an event with a sequence number of its own into partition 0.
func (h *Hub) AppendEvent(event eventhub.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	event.Enqueued = Noon
	h.Partitions["0"] = append(h.Partitions["0"], event)
	h.changed.Broadcast()
}
