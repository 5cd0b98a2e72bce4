package partition

import (
	"maps"
	"slices"
	"sync"
	"time"

	"aks-audit-log-go/forwarder/audit"
)

// unwatchedAfter is how long a partition may get hub events of other categories only. A silent cluster is reported
// after the same time (the alert AksAuditLogClusterSilent). Times are those at which the hub got the events, so that a
// backlog neither hastens nor delays it.
const unwatchedAfter = 15 * time.Minute

// watch finds out whether hub events come without any record of CATEGORIES. Then nothing is watched, although
// everything works. It is safe for concurrent use.
type watch struct {
	mu sync.Mutex
	// audit is when the hub got the newest hub event with a record of CATEGORIES, newest when it got the newest of
	// all.
	audit, newest time.Time
	// since is, for each partition, when the hub got the last hub event with such a record, or the first hub event.
	since map[string]time.Time
	// seen are the categories that were skipped since audit.
	seen map[string]bool
	// told is whether nothing is watched, as last reported.
	told bool
}

// watched notes a hub event that is read for the first time. It reports when nothing is watched, and when that ends.
func (p *Partition) watched(event *hubEvent) {
	if event.redelivered || event.Enqueued.IsZero() || len(event.records) == 0 {
		return
	}
	w := &p.shared.watch
	w.mu.Lock()
	defer w.mu.Unlock()
	w.note(p.id, event)
	switch unwatched := w.unwatched(p.id, event.Enqueued); {
	case unwatched && !w.told:
		w.told = true
		text := audit.NotWatchedAdvice(slices.Collect(maps.Keys(w.seen)), p.shared.cfg.Categories)
		p.shared.health.Unwatched(text)
		p.shared.log.Warn(text)
	case w.told && w.newest.Sub(w.audit) < unwatchedAfter:
		w.told = false
		p.shared.health.Unwatched("")
		p.shared.log.Info("records of CATEGORIES arrive again")
	}
}

// note notes a hub event. w.mu is held.
func (w *watch) note(partition string, event *hubEvent) {
	if w.since == nil {
		w.since, w.seen = map[string]time.Time{}, map[string]bool{}
	}
	if _, known := w.since[partition]; !known {
		w.since[partition] = event.Enqueued
	}
	w.newest = later(w.newest, event.Enqueued)
	last := ""
	for i := range event.records {
		record := &event.records[i]
		if record.Verdict != audit.Skipped {
			w.since[partition] = event.Enqueued
			w.audit = later(w.audit, event.Enqueued)
			clear(w.seen)
			return
		}
		if i > 0 && record.Category == last {
			continue
		}
		last = record.Category
		w.seen[audit.KnownCategory(last)] = true
	}
}

// unwatched reports whether nothing is watched, after a hub event of a partition was noted. Azure spreads the records
// of each category over all partitions, so it is enough that one partition lacks them, unless another partition had
// them just before. w.mu is held.
func (w *watch) unwatched(partition string, at time.Time) bool {
	return at.Sub(w.since[partition]) >= unwatchedAfter && w.newest.Sub(w.audit) >= unwatchedAfter
}

// forgetWatched forgets the partition, which is no longer read here. Without partitions this replica does not know
// whether anything is watched.
func (p *Partition) forgetWatched() {
	w := &p.shared.watch
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.since, p.id)
	if len(w.since) == 0 {
		w.audit, w.newest, w.told = time.Time{}, time.Time{}, false
		clear(w.seen)
		p.shared.health.Unwatched("")
	}
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
