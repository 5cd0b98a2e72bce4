package forwarder

import (
	"fmt"
	"strings"
	"sync"
)

// Health is what is known of the daemon's state for /readyz. It is safe for concurrent use.
// The reasons given to it are shown to whoever asks: they must hold no secret.
type Health struct {
	mu sync.Mutex
	// rounds says whether any balancing round has worked yet.
	rounds bool
	// failed is why the last balancing round did not work; empty where it did.
	failed                string
	owned, total, unowned int
	sink                  string
	stopping              bool
}

// NewHealth returns the health of a daemon that has just started: it is not ready.
func NewHealth() *Health { return &Health{} }

// Ownership records a balancing round that worked: of total partitions this replica owns
// owned, and unowned have no live owner at all.
func (h *Health) Ownership(owned, total, unowned int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.rounds, h.failed = true, ""
	h.owned, h.total, h.unowned = owned, total, unowned
}

// OwnershipUnknown records a balancing round that did not work, and why. What was owned
// before is taken to be owned still: its partitions go on working.
func (h *Health) OwnershipUnknown(reason string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.failed = reason
}

// SinkAnswered records that the last POST was accepted.
func (h *Health) SinkAnswered() { h.setSink("") }

// SinkFailing records that the last POST was not accepted, and why.
func (h *Health) SinkFailing(reason string) { h.setSink(reason) }

func (h *Health) setSink(reason string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sink = reason
}

// Stopping records that the shutdown has begun. There is no way back.
func (h *Health) Stopping() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.stopping = true
}

// Ready reports whether the daemon does its work, and in words why not, or what it does. It
// is ready when it owns partitions, or when all are owned by other replicas and it stands by,
// and the last POST, if there was any, did not fail.
func (h *Health) Ready() (bool, string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var reasons []string
	if h.stopping {
		reasons = append(reasons, "stopping")
	}
	if reason := h.notOwning(); reason != "" {
		reasons = append(reasons, reason)
	}
	if h.sink != "" {
		reasons = append(reasons, "the sink does not take audit events: "+h.sink)
	}
	if len(reasons) > 0 {
		return false, "not ready: " + strings.Join(reasons, "; ")
	}
	if h.owned == 0 {
		return true, fmt.Sprintf("ready: standing by, all %d partitions are owned by other replicas", h.total)
	}
	return true, fmt.Sprintf("ready: owning %d of %d partitions", h.owned, h.total)
}

// notOwning says why the ownership of partitions keeps the daemon from being ready; it is
// empty where it does not.
func (h *Health) notOwning() string {
	switch {
	case !h.rounds && h.failed == "":
		return "no partition is owned yet: no balancing round has ended"
	case !h.rounds:
		return "no partition is owned yet: " + h.failed
	case h.owned > 0:
		return ""
	case h.failed != "":
		return "no partition is owned: " + h.failed
	case h.total == 0:
		return "no partition is owned yet: the hub has none"
	case h.unowned > 0:
		return fmt.Sprintf("no partition is owned yet: %d of %d have no owner", h.unowned, h.total)
	default:
		return ""
	}
}
