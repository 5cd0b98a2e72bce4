package eventhubtest

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"time"

	"aks-audit-log-go/eventhub"
)

// Hub is a hub in memory.
type Hub struct {
	mu         sync.Mutex
	changed    *sync.Cond
	partitions map[string][]eventhub.Event
	// first is the sequence number of the oldest event that retention has not removed.
	first     map[string]int64
	displaced chan struct{}
	// reason is why displaced was last closed.
	reason error
	// remade is how long after noon the hub was created again, or 0 if it was not.
	remade time.Duration
	// links is the number of calls of Receive. The first of them, stalled in number, deliver nothing.
	links, stalled int
	// failures are the errors of the next calls of Receive, one for each call.
	failures []error
	// unreachable is the error of all management requests, or nil if they succeed.
	unreachable error
}

// NewHub returns a hub with this many empty partitions.
func NewHub(partitions int) *Hub {
	hub := &Hub{partitions: map[string][]eventhub.Event{}, first: map[string]int64{}, displaced: make(chan struct{})}
	hub.changed = sync.NewCond(&hub.mu)
	for _, id := range PartitionIDs(partitions) {
		hub.partitions[id] = nil
	}
	return hub
}

// SetPartitions changes the number of partitions. It adds or removes those with the highest ids.
func (h *Hub) SetPartitions(count int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for id := len(h.partitions); id < count; id++ {
		h.partitions[strconv.Itoa(id)] = nil
	}
	for id := len(h.partitions) - 1; id >= count; id-- {
		delete(h.partitions, strconv.Itoa(id))
	}
}

// PartitionIDs returns the ids of this many partitions, as the service names them.
func PartitionIDs(count int) []string {
	ids := make([]string, count)
	for i := range ids {
		ids[i] = strconv.Itoa(i)
	}
	return ids
}

// Append appends events with these bodies to a partition. The first event of a partition was enqueued at noon, and
// each later one a second after the one before.
func (h *Hub) Append(partition string, bodies ...[]byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, body := range bodies {
		sequence := int64(len(h.partitions[partition]))
		h.partitions[partition] = append(h.partitions[partition], eventhub.Event{
			Body: body, Sequence: sequence, Offset: strconv.FormatInt(sequence*100, 10),
			Enqueued: Noon.Add(h.remade + time.Duration(sequence)*time.Second),
		})
	}
	h.changed.Broadcast()
}

// AppendEvent appends an event with its own sequence number to partition 0.
func (h *Hub) AppendEvent(event eventhub.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	event.Enqueued = Noon
	h.partitions["0"] = append(h.partitions["0"], event)
	h.changed.Broadcast()
}

// Events returns all events of a partition, including those that retention has removed.
func (h *Hub) Events(partition string) []eventhub.Event {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.partitions[partition])
}

// RemoveBefore removes the events of a partition before a sequence number, as retention does.
func (h *Hub) RemoveBefore(partition string, sequence int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.first[partition] = sequence
}

// Remake creates the hub again, one hour later. All partitions are empty, their sequence numbers start again, and all
// links are cut.
func (h *Hub) Remake() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.remade += time.Hour
	for id := range h.partitions {
		h.partitions[id] = nil
	}
	h.cut(errors.New("the event hub was deleted"))
}

// cut ends all calls of Receive with err. mu is held.
func (h *Hub) cut(err error) {
	h.reason = err
	close(h.displaced)
	h.displaced = make(chan struct{})
}

// Displace ends all calls of Receive with ErrDisplaced.
func (h *Hub) Displace() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.cut(eventhub.ErrDisplaced)
}

// FailReceives makes the next calls of Receive return these errors, one for each call.
func (h *Hub) FailReceives(errs ...error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.failures = errs
}

// SetUnreachable makes all management requests fail with err, until it is set to nil.
func (h *Hub) SetUnreachable(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.unreachable = err
}

// Stall makes the open links deliver nothing more, and return no error.
func (h *Hub) Stall() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.stalled = h.links
}

// Links returns how many times Receive was called.
func (h *Hub) Links() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.links
}

// PartitionIDs implements eventhub.Hub.
func (h *Hub) PartitionIDs(context.Context) ([]string, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return PartitionIDs(len(h.partitions)), h.unreachable
}

// PartitionInfo implements eventhub.Hub.
func (h *Hub) PartitionInfo(_ context.Context, partition string) (eventhub.PartitionInfo, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	events := h.partitions[partition]
	info := eventhub.PartitionInfo{First: h.first[partition], Last: eventhub.NoSequence, LastOffset: "-1"}
	if len(events) > 0 {
		newest := events[len(events)-1]
		info.Last, info.LastOffset, info.LastEnqueued = newest.Sequence, newest.Offset, newest.Enqueued
	}
	return info, h.unreachable
}

// Receive implements eventhub.Hub.
func (h *Hub) Receive(ctx context.Context, partition string, from eventhub.Position, receiver eventhub.Receiver) error {
	link, displaced, failure := h.open()
	if failure != nil {
		return failure
	}
	receiver.NoteAttached()
	reading, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case <-displaced:
			cancel(h.why())
		case <-reading.Done():
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		h.changed.Broadcast()
	}()
	for {
		event, found := h.await(reading, partition, from, link)
		if !found {
			if ctx.Err() != nil {
				return nil
			}
			return context.Cause(reading)
		}
		receiver.Handle(reading, event)
		from = from.Next(event)
	}
}

// why returns why the links were last cut.
func (h *Hub) why() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.reason
}

// open returns the number of a new link, and the channel that is closed when the link is displaced.
func (h *Hub) open() (link int, displaced chan struct{}, failure error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.failures) > 0 {
		failure, h.failures = h.failures[0], h.failures[1:]
	}
	h.links++
	return h.links, h.displaced, failure
}

// await waits for the first event after the position. It returns false if ctx ends.
func (h *Hub) await(ctx context.Context, partition string, from eventhub.Position, link int) (eventhub.Event, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for ; ctx.Err() == nil; h.changed.Wait() {
		if link <= h.stalled {
			continue
		}
		for _, event := range h.partitions[partition] {
			after := !from.Passed(eventhub.After(event)) && event.Enqueued.After(from.Since)
			if after && event.Sequence >= h.first[partition] {
				event.Body = slices.Clone(event.Body) // the receiver may change it
				return event, true
			}
		}
	}
	return eventhub.Event{}, false
}

// Close implements eventhub.Hub.
func (h *Hub) Close(context.Context) error { return nil }
