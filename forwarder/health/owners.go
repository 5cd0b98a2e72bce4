package health

import (
	"maps"
)

// ownerView is who owns what, as the last balancing round found it, for the status page.
type OwnerView struct {
	// me is this replica's name among the owners; empty before the first round.
	Me string
	// byPartition has each partition of the hub, and its owner, empty where none lives.
	ByPartition map[string]string
	// failed is why the last balancing round did not work; empty where it did.
	Failed string
	Owned  int
}

// Owners records what a balancing round that worked has found: the owner of each partition, empty
// where none lives, and this replica's own name. The names are shown to whoever asks.
func (h *Health) Owners(me string, byPartition map[string]string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.me, h.owners = me, maps.Clone(byPartition)
}

func (h *Health) OwnerView() OwnerView {
	h.mu.Lock()
	defer h.mu.Unlock()
	return OwnerView{Me: h.me, ByPartition: maps.Clone(h.owners), Failed: h.failed, Owned: h.owned}
}

// isStopping reports whether the shutdown has begun.
func (h *Health) IsStopping() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.stopping
}
