package e2e

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"aks-audit-log-go/internal/hubtest"
)

// feed appends made-up audit events to a hub and remembers them by partition.
type feed struct {
	hub  *hubtest.Server
	sent map[string][]string
}

func newFeed(hub *hubtest.Server) *feed {
	return &feed{hub: hub, sent: map[string][]string{}}
}

// add appends to each partition that many hub events of that many audit events each.
func (f *feed) add(t *testing.T, hubEvents, auditEventsEach int) {
	t.Helper()
	for range hubEvents {
		for _, partition := range f.hub.PartitionIDs() {
			var events []string
			for range auditEventsEach {
				events = append(events, auditEvent(partition, len(f.sent[partition])+len(events)))
			}
			f.hub.Append(partition, auditHubEvent(t, events...))
			f.sent[partition] = append(f.sent[partition], events...)
		}
	}
}

// total is how many audit events were appended so far.
func (f *feed) total() int {
	n := 0
	for _, events := range f.sent {
		n += len(events)
	}
	return n
}

// assertOnceInOrder checks that got holds each audit event once and each partition's in order.
func (f *feed) assertOnceInOrder(t *testing.T, got []string) {
	t.Helper()
	byPartition := perPartition(t, got)
	for partition, want := range f.sent {
		assert.Equal(t, want, byPartition[partition], "partition %s: each audit event once, in order", partition)
	}
	assert.Len(t, got, f.total())
}

// assertAllInOrder checks that got holds each audit event at least once, and that none came
// before the one ahead of it: repeats are what a crash or a change of owner may cost.
func (f *feed) assertAllInOrder(t *testing.T, got []string) {
	t.Helper()
	byPartition := perPartition(t, got)
	for partition, want := range f.sent {
		assert.Equal(t, want, firstOnes(byPartition[partition]), "partition %s: each audit event, in order", partition)
	}
}

// distinct is how many different audit events are among events.
func distinct(events []string) int { return len(firstOnes(events)) }

// firstOnes are events without those that came before.
func firstOnes(events []string) []string {
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

// perPartition sorts audit events by where they were appended, each partition's as they came.
func perPartition(t *testing.T, events []string) map[string][]string {
	t.Helper()
	byPartition := map[string][]string{}
	for _, event := range events {
		partition := partitionOf(t, event)
		byPartition[partition] = append(byPartition[partition], event)
	}
	return byPartition
}
