package status

import (
	"cmp"
	"slices"
	"time"

	"github.com/maruel/natural"

	"aks-audit-log-go/forwarder/metrics"
)

// The times of the alert AksAuditLogClusterSilent.
const (
	silentAfter  = 15 * time.Minute
	removedAfter = 24 * time.Hour
)

// ClusterStatus is what this replica has read of a cluster.
type ClusterStatus struct {
	// Name is the cluster's name, or metrics.ClusterOther for the clusters after the first 500, together.
	Name string `json:"name"`
	// Records counts the records of the audit categories that were read since the start.
	Records int64 `json:"records"`
	// Newest is when the newest hub event with such a record was enqueued, nil if unknown.
	Newest *time.Time `json:"newest"`
	// Silent is whether Newest is 15 minutes to a day older than that of another cluster. Another replica may have
	// read the cluster since.
	Silent bool `json:"silent"`
}

// clusterStatuses returns the status of each cluster: the silent ones first, and then by name.
func clusterStatuses(read map[string]metrics.ClusterSnapshot) []ClusterStatus {
	var latest time.Time
	for _, cluster := range read {
		if cluster.Newest.After(latest) {
			latest = cluster.Newest
		}
	}
	all := make([]ClusterStatus, 0, len(read))
	for name, cluster := range read {
		s := ClusterStatus{Name: name, Records: cluster.Records}
		if !cluster.Newest.IsZero() {
			newest := cluster.Newest.UTC()
			behind := latest.Sub(newest)
			s.Newest, s.Silent = &newest, behind >= silentAfter && behind < removedAfter
		}
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b ClusterStatus) int {
		if a.Silent != b.Silent {
			if a.Silent {
				return -1
			}
			return 1
		}
		return cmp.Or(natural.Compare(a.Name, b.Name), cmp.Compare(a.Name, b.Name))
	})
	return all
}
