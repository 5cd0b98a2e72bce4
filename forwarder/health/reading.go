package health

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/maruel/natural"
)

const (
	// attachWithin is how long opening a partition may take after it was claimed.
	attachWithin = 30 * time.Second
	// failuresUntilReported is from how many failures in a row on they are reported. A link is cut now and then, and
	// opened again.
	failuresUntilReported = 2
	// opensFor is how long the partition must stay open until earlier failures are forgotten. A hub that refuses a
	// link answers the attach first and detaches after it, so each refusal may look like an open partition for a
	// moment.
	opensFor = 5 * time.Second
)

// reading is the state of reading an owned partition.
type reading struct {
	claimed time.Time
	// attached is whether the hub has opened the partition since it was claimed.
	attached bool
	// opened is when the hub opened it, zero if that has ended.
	opened time.Time
	// failures counts the receive failures in a row. reason is that of the last one.
	failures int
	reason   string
}

// notRead returns why the partition is not read, or "".
func (r *reading) notRead(now time.Time) string {
	r.settle(now)
	late := !r.attached && now.Sub(r.claimed) >= attachWithin
	switch {
	case r.failures >= failuresUntilReported, r.failures > 0 && late:
		return r.reason
	case late:
		return fmt.Sprintf("the hub has not opened it for %s", now.Sub(r.claimed).Round(time.Second))
	default:
		return ""
	}
}

// settle forgets the failures before the partition stayed open.
func (r *reading) settle(now time.Time) {
	if r.staysOpen(now) {
		r.failures = 0
	}
}

// staysOpen is whether the partition has been open for opensFor.
func (r *reading) staysOpen(now time.Time) bool {
	return !r.opened.IsZero() && now.Sub(r.opened) >= opensFor
}

// Claimed records that this replica owns the partition from now on, and is going to read it.
func (h *Health) Claimed(partition string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.readings[partition] = &reading{claimed: time.Now()}
}

// Attached records that the hub has opened the partition for reading, and so also accepts the key or the identity.
func (h *Health) Attached(partition string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.refusals, partition)
	if r := h.readings[partition]; r != nil {
		r.settle(time.Now())
		r.attached, r.opened = true, time.Now()
		h.everAttached = true
	}
}

// ReceiveFailed records why reading the partition ended or could not begin. The record stays until the partition has
// been open for opensFor.
func (h *Health) ReceiveFailed(partition, reason string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if r := h.readings[partition]; r != nil {
		r.settle(time.Now())
		r.failures++
		r.reason, r.opened = reason, time.Time{}
	}
}

// unread returns the partitions that are not read, in the order of their numbers, and why the first is not. h.mu is
// held.
func (h *Health) unread() (partitions []string, reason string) {
	now := time.Now()
	for _, id := range slices.SortedFunc(maps.Keys(h.readings), natural.Compare) {
		why := h.readings[id].notRead(now)
		if why == "" {
			continue
		}
		if len(partitions) == 0 {
			reason = why
		}
		partitions = append(partitions, id)
	}
	return partitions, reason
}

// notReading returns why the hub keeps the daemon from being ready, or "". h.mu is held.
func (h *Health) notReading() string {
	partitions, reason := h.unread()
	switch {
	case len(partitions) == 0 && (h.everAttached || len(h.readings) == 0):
		return ""
	case len(partitions) == 0:
		// A Deployment's rollout removes the good pods as soon as the new ones are ready.
		return "no partition is read yet: the hub has opened none"
	case len(partitions) == len(h.readings):
		return "the hub is not read: " + reason
	default:
		return "the hub is not read, partition " + strings.Join(partitions, ", ") + ": " + reason
	}
}
