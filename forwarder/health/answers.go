package health

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/maruel/natural"
)

// OwnerView is the owner of each partition in the last balancing round, for the status page.
type OwnerView struct {
	// Replica is the name of this replica among the owners, empty before the first round.
	Replica string
	// ByPartition is the owner of each partition of the hub, empty for a partition without a live owner.
	ByPartition map[string]string
	// RoundFailure is why the last balancing round failed, or empty.
	RoundFailure string
	Owned        int
}

// OwnerView returns a copy of what is known of the owners.
func (h *Health) OwnerView() OwnerView {
	h.mu.Lock()
	defer h.mu.Unlock()
	return OwnerView{Replica: h.replica, ByPartition: maps.Clone(h.owners), RoundFailure: h.roundFailure, Owned: h.owned}
}

// IsStopping reports whether the shutdown has begun.
func (h *Health) IsStopping() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.stopping
}

// Alive reports whether the consumer makes progress, and if not, what is stuck. Then only a new process can help,
// because the consumer has tried to connect again for the whole timeout. A stopping daemon is alive, so that the
// kubelet gives it the time to stop in good order.
func (h *Health) Alive() (alive bool, reason string) {
	if reasons := h.watchdog.wedged(); len(reasons) > 0 && !h.IsStopping() {
		return false, "wedged: " + strings.Join(reasons, "; ")
	}
	return true, "ok"
}

// Ready reports whether the daemon does its work, with a text that says what it does or why not. The daemon is ready
// if all of these hold: it owns and reads partitions, or stands by because other replicas own all; no partition's last
// POST failed; neither hub nor storage refuses it; nothing is wedged. The text ends with the Remarks.
func (h *Health) Ready() (ready bool, text string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	ready, text = h.ready()
	return ready, strings.Join(append([]string{text}, h.remarks.list()...), "; mind: ")
}

// ready is Ready without the Remarks. h.mu is held.
func (h *Health) ready() (ready bool, text string) {
	var reasons []string
	if h.stopping {
		reasons = append(reasons, "stopping")
	}
	if reason := h.notOwning(); reason != "" {
		reasons = append(reasons, reason)
	} else {
		refused := h.refused()
		reasons = slices.Concat(reasons, refused, h.watchdog.wedged())
		if reason := h.notReading(); reason != "" && len(refused) == 0 {
			reasons = append(reasons, reason)
		}
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

// Failures holds, by partition, why it is not read or not delivered, for the status page.
type Failures struct{ Reading, Posting map[string]string }

// Failures returns why partitions are not read or not delivered.
func (h *Health) Failures() Failures {
	h.mu.Lock()
	defer h.mu.Unlock()
	f := Failures{Reading: map[string]string{}, Posting: maps.Clone(h.sinkFailures)}
	now := time.Now()
	for id, r := range h.readings {
		if why := r.notRead(now); why != "" {
			f.Reading[id] = why
		}
	}
	for by, why := range h.refusals {
		if by != refusedManagement && by != refusedStorage {
			f.Reading[by] = why
		}
	}
	return f
}

// notOwning returns why ownership keeps the daemon from being ready, or "".
func (h *Health) notOwning() string {
	switch {
	case !h.balanced && h.roundFailure == "":
		return "no partition is owned yet: no balancing round has ended"
	case !h.balanced:
		return "no partition is owned yet: " + h.roundFailure
	case h.owned > 0:
		return ""
	case h.roundFailure != "":
		return "no partition is owned: " + h.roundFailure
	case h.total == 0:
		return "no partition is owned yet: the hub has none"
	case h.unowned > 0:
		return fmt.Sprintf("no partition is owned yet: %d of %d have no owner", h.unowned, h.total)
	default:
		return ""
	}
}

// refused returns the reasons of the refusals, sorted and without repetitions.
func (h *Health) refused() []string {
	return slices.Compact(slices.Sorted(maps.Values(h.refusals)))
}

// notPosting returns why the sink keeps the daemon from being ready, or "".
func (h *Health) notPosting() string {
	failing := slices.SortedFunc(maps.Keys(h.sinkFailures), natural.Compare)
	if len(failing) == 0 {
		return ""
	}
	whose := ""
	if len(failing) < h.owned {
		whose = " of partition " + strings.Join(failing, ", ")
	}
	return "the sink does not take audit events" + whose + ": " + h.sinkFailures[failing[0]]
}
