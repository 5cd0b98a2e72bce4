package harness

import (
	"encoding/json"
	"fmt"
	"testing"

	"aks-audit-log-go/internal/hubtest"
)

// SmallEvents appends small audit events to a hub, and keeps only how many each partition has.
type SmallEvents struct {
	hub *hubtest.Server
	// Appended is how many audit events each partition has.
	Appended map[string]int
}

// NewSmallEvents returns a SmallEvents that has appended nothing yet.
func NewSmallEvents(hub *hubtest.Server) *SmallEvents {
	return &SmallEvents{hub: hub, Appended: map[string]int{}}
}

// Add appends about this many audit events, the same number to each partition. Each hub event has each audit events.
func (s *SmallEvents) Add(t *testing.T, events, each int) {
	t.Helper()
	partitions := s.hub.PartitionIDs()
	for range events / each / len(partitions) {
		for _, partition := range partitions {
			records := make([]json.RawMessage, each)
			for i := range records {
				records[i] = smallRecord(partition, s.Appended[partition])
				s.Appended[partition]++
			}
			s.hub.Append(partition, mustMarshal(map[string]any{"records": records}))
		}
	}
}

// Total returns how many audit events were appended.
func (s *SmallEvents) Total() int {
	sum := 0
	for _, n := range s.Appended {
		sum += n
	}
	return sum
}

// smallRecord returns a record with the n-th audit event of a partition, which has only the necessary fields.
func smallRecord(partition string, n int) json.RawMessage {
	return json.RawMessage(fmt.Sprintf(`{"category":"kube-audit","properties":{"log":"{\"kind\":\"Event\",\"apiVersion\":\"audit.k8s.io/v1\",`+
		`\"auditID\":\"%s\",\"stage\":\"ResponseComplete\",\"stageTimestamp\":\"2026-01-02T03:04:05.678901Z\"}\n"}}`, AuditID(partition, n)))
}
