package health

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/maruel/natural"
)

// Health is what is known of the daemon's state for /readyz and /healthz. It is safe for
// concurrent use. The reasons given to it are shown to whoever asks: they must hold no secret.
type Health struct {
	watchdog watchdog

	mu sync.Mutex
	// rounds says whether any balancing round has worked yet.
	rounds bool
	// failed is why the last balancing round did not work; empty where it did.
	failed                string
	owned, total, unowned int
	// me is this replica's name among the owners, owners has the owner of each partition, empty where none lives.
	me     string
	owners map[string]string
	// sink has the partitions whose last POST failed, and why.
	sink map[string]string
	// refused has who does not accept our key or identity, and why.
	refused  map[string]string
	stopping bool
}

// The names in refused of what is no partition.
const (
	refusedQuestions = "questions"
	refusedStorage   = "storage"
)

// NewHealth returns the health of a daemon that has just started: it is not ready. It is alive,
// whatever happens, until Watch is called.
func NewHealth() *Health {
	return &Health{sink: map[string]string{}, refused: map[string]string{}}
}

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

// SinkAnswered records that the partition's last POST was accepted.
func (h *Health) SinkAnswered(partition string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.sink, partition)
}

// SinkFailing records that the partition's last POST was not accepted, and why. It stands until
// one is, or the partition is given up: behind one address there may be several sinks, of which
// one that is down must not hide behind the others.
func (h *Health) SinkFailing(partition, reason string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sink[partition] = reason
}

// HubRefuses records that the hub does not accept our key or identity, or that there is no token for
// it, and why: for the partition, or, where that is empty, for questions. It stands until HubAccepts.
// What is owned may go on for a while, until what was granted before runs out.
func (h *Health) HubRefuses(partition, reason string) {
	h.refusal(cmp.Or(partition, refusedQuestions), reason)
}

// HubAccepts records that the hub accepts us, for the partition or for questions.
func (h *Health) HubAccepts(partition string) { h.refusal(cmp.Or(partition, refusedQuestions), "") }

// StorageRefuses records that the storage does not accept our key or identity, and why. It stands
// until StorageAccepts.
func (h *Health) StorageRefuses(reason string) { h.refusal(refusedStorage, reason) }

// StorageAccepts records that the storage accepts us.
func (h *Health) StorageAccepts() { h.refusal(refusedStorage, "") }

func (h *Health) refusal(by, reason string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if reason == "" {
		delete(h.refused, by)
		return
	}
	h.refused[by] = reason
}

// Released records that this replica no longer owns the partition: what happened to it there is
// no concern of ours any more.
func (h *Health) Released(partition string) {
	h.watchdog.forget(partition)
	h.SinkAnswered(partition)
	h.HubAccepts(partition)
}

// Stopping records that the shutdown has begun. There is no way back.
func (h *Health) Stopping() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.stopping = true
}

// Ready reports whether the daemon does its work, and in words why not, or what it does. It
// is ready when it owns partitions, or when all are owned by other replicas and it stands by,
// no partition's last POST failed, and neither hub nor storage refuses it.
func (h *Health) Ready() (bool, string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var reasons []string
	if h.stopping {
		reasons = append(reasons, "stopping")
	}
	if reason := h.notOwning(); reason != "" {
		reasons = append(reasons, reason)
	} else {
		reasons = append(reasons, h.refusals()...)
	}
	if reason := h.notPosting(); reason != "" {
		reasons = append(reasons, reason)
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

// refusals says who does not accept us, a reason once however many partitions it keeps waiting.
func (h *Health) refusals() []string {
	var reasons []string
	for _, by := range slices.Sorted(maps.Keys(h.refused)) {
		reasons = append(reasons, h.refused[by])
	}
	slices.Sort(reasons)
	return slices.Compact(reasons)
}

// notPosting says why the sink keeps the daemon from being ready; it is empty where it does not.
func (h *Health) notPosting() string {
	failing := slices.SortedFunc(maps.Keys(h.sink), natural.Compare)
	if len(failing) == 0 {
		return ""
	}
	whose := ""
	if len(failing) < h.owned {
		whose = " of partition " + strings.Join(failing, ", ")
	}
	return "the sink does not take audit events" + whose + ": " + h.sink[failing[0]]
}
