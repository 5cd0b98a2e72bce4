package metrics

import (
	"math"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// BehindAfter is the age of the oldest waiting hub event from which on a partition is behind.
const BehindAfter = time.Minute

// Backlog is how far this replica is behind the hub, in one partition or in all that it owns. Rates cover the last
// minute.
type Backlog struct {
	// Since is when the replica, or the partition, was first seen to be behind.
	Since time.Time `json:"since"`
	// HubEvents is the number of hub events still to be handled.
	HubEvents int64 `json:"hub_events"`
	// OldestAgeSeconds is the time since the oldest of them was enqueued, or at least how long it has waited.
	OldestAgeSeconds float64 `json:"oldest_age_seconds"`
	// HubEventsPerSecond is the rate of handled hub events.
	HubEventsPerSecond float64 `json:"hub_events_per_second"`
	// AuditEventsPerSecond is the rate of delivered audit events.
	AuditEventsPerSecond float64 `json:"audit_events_per_second"`
	// CatchUpSeconds is the time until no hub event waits if the rates stay. It is nil while the number of waiting hub
	// events does not fall.
	CatchUpSeconds *float64 `json:"catchup_seconds"`
}

// SetBacklog records how far this replica is behind the hub, nil if it is not. b must not be changed afterwards.
func (s *Statistics) SetBacklog(b *Backlog) { s.backlog.Store(b) }

// Backlog returns how far this replica is behind the hub, nil if it is not.
func (s *Statistics) Backlog() *Backlog { return s.backlog.Load() }

// SetBacklog records how far the partition is behind the hub, nil if it is not. b must not be changed afterwards.
func (p *Partition) SetBacklog(b *Backlog) { p.backlog.Store(b) }

func (s *Statistics) newCatchUp() prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "aks_audit_log_catchup_seconds",
		Help: "Estimated time until this replica has caught up with the hub: 0 while no hub event waits for more than a minute, " +
			"+Inf while those that wait do not become fewer.",
	}, func() float64 {
		backlog := s.Backlog()
		switch {
		case backlog == nil:
			return 0
		case backlog.CatchUpSeconds == nil:
			return math.Inf(1)
		default:
			return *backlog.CatchUpSeconds
		}
	})
}
