package harness

import (
	"cmp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/internal/hubtest"
)

// Feed appends made-up audit events to a hub, and remembers them by partition.
type Feed struct {
	hub  *hubtest.Server
	Sent map[string][]string
}

// NewFeed returns a feed that has appended nothing yet.
func NewFeed(hub *hubtest.Server) *Feed {
	return &Feed{hub: hub, Sent: map[string][]string{}}
}

// Add appends hubEvents hub events to each partition, with auditEventsEach audit events each.
func (f *Feed) Add(t *testing.T, hubEvents, auditEventsEach int) {
	t.Helper()
	for range hubEvents {
		for _, partition := range f.hub.PartitionIDs() {
			var events []string
			for range auditEventsEach {
				events = append(events, AuditEvent(partition, len(f.Sent[partition])+len(events)))
			}
			f.AddEvents(t, partition, events...)
		}
	}
}

// AddEvents appends a hub event with these audit events to a partition.
func (f *Feed) AddEvents(t *testing.T, partition string, events ...string) {
	t.Helper()
	f.hub.Append(partition, AuditHubEvent(t, events...))
	f.Sent[partition] = append(f.Sent[partition], events...)
}

// Total returns how many audit events were appended.
func (f *Feed) Total() int {
	n := 0
	for _, events := range f.Sent {
		n += len(events)
	}
	return n
}

// AssertNoneLost checks that got has each audit event at least once, and says how many are missing. Then it does what
// AssertAllInOrder does. Comparing a long list of missing events would take minutes.
func (f *Feed) AssertNoneLost(t *testing.T, got []string) {
	t.Helper()
	used := map[string]bool{}
	for _, event := range got {
		used[event] = true
	}
	lost, first := 0, ""
	for _, events := range f.Sent {
		for _, event := range events {
			if !used[event] {
				lost, first = lost+1, cmp.Or(first, event)
			}
		}
	}
	t.Logf("of %d audit events %d are lost, %d were used twice", f.Total(), lost, len(got)-len(used))
	require.Zero(t, lost, "audit events are lost; one is %s", first)
	f.AssertAllInOrder(t, got)
}

// AssertOnceInOrder checks that got has each audit event exactly once, in order within each partition.
func (f *Feed) AssertOnceInOrder(t *testing.T, got []string) {
	t.Helper()
	byPartition := PerPartition(t, got)
	for partition, want := range f.Sent {
		assert.Equal(t, want, byPartition[partition], "partition %s: each audit event once, in order", partition)
	}
	assert.Len(t, got, f.Total())
}

// AssertAllInOrder checks that got has each audit event at least once, and that the first occurrences are in order
// within each partition. A crash or a change of owner may cause redeliveries.
func (f *Feed) AssertAllInOrder(t *testing.T, got []string) {
	t.Helper()
	byPartition := PerPartition(t, got)
	for partition, want := range f.Sent {
		assert.Equal(t, want, firstOccurrences(byPartition[partition]), "partition %s: each audit event, in order", partition)
	}
}

// Distinct returns the number of different audit events.
func Distinct(events []string) int { return len(firstOccurrences(events)) }

// firstOccurrences returns the audit events without repetitions.
func firstOccurrences(events []string) []string {
	seen := map[string]bool{}
	var first []string
	for _, event := range events {
		if !seen[event] {
			seen[event] = true
			first = append(first, event)
		}
	}
	return first
}

// PerPartition groups audit events by partition, and keeps their order.
func PerPartition(t *testing.T, events []string) map[string][]string {
	t.Helper()
	byPartition := map[string][]string{}
	for _, event := range events {
		partition := partitionOf(t, event)
		byPartition[partition] = append(byPartition[partition], event)
	}
	return byPartition
}
