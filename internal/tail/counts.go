package tail

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"aks-audit-log-go/eventhub/unpack"
	"aks-audit-log-go/forwarder/audit"
)

// Counts are how many hub events and records were read. They also say how many records were not printed because they
// are no audit events.
type Counts struct {
	mu                            sync.Mutex
	hubEvents, auditEvents, taken int
	// deadLetters counts records by their reason, and skipped by their log category.
	deadLetters, skipped map[string]int
}

func newCounts() *Counts { return &Counts{deadLetters: map[string]int{}, skipped: map[string]int{}} }

// hubEvent counts a hub event.
func (c *Counts) hubEvent() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hubEvents++
}

// auditEvent counts an audit event, and whether it is printed.
func (c *Counts) auditEvent(taken bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.auditEvents++
	if taken {
		c.taken++
	}
}

// without counts a record without an audit event.
func (c *Counts) without(record *unpack.Record) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if record.Verdict == audit.Skipped {
		category := strings.ToLower(record.Category)
		switch {
		case category == "":
			category = audit.CategoryNone
		case !slices.Contains(audit.SkippedCategories(), category):
			category = audit.CategoryOther // the sender can choose any category
		}
		c.skipped[category]++
		return
	}
	c.deadLetters[record.Reason]++
}

// String returns the counts in words.
func (c *Counts) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	text := fmt.Sprintf("hub events: %d, audit events: %d, printed: %d", c.hubEvents, c.auditEvents, c.taken)
	if len(c.deadLetters) > 0 {
		text += "; not printed, because the daemon makes dead letters of them: " + list(c.deadLetters)
	}
	if len(c.skipped) > 0 {
		text += "; not printed, because their log category has no audit events: " + list(c.skipped)
	}
	return text
}

// list returns the counts by name, such as "2 cut, 1 not_json".
func list(counts map[string]int) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, fmt.Sprintf("%d %s", counts[name], name))
	}
	return strings.Join(parts, ", ")
}
