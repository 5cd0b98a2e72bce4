package metrics

import (
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"
)

// ClusterOther is the common name of all clusters after the first maxClusters.
const ClusterOther = "other"

const (
	// maxClusters bounds the series by cluster.
	maxClusters = 500
	// maxClusterName is the longest name of a cluster in bytes. No name of an Azure resource is longer.
	maxClusterName = 260
)

// clusters is the collector of the metrics by cluster. Clusters are not known beforehand: each has its series from its
// first record until the process ends.
type clusters struct {
	records, newest *prometheus.Desc

	mu     sync.RWMutex
	byName map[string]*cluster
}

type cluster struct {
	records atomic.Int64
	newest  atomic.Int64 // in Unix nanoseconds, or unknown
}

// ClusterSnapshot is the state of one cluster at one moment.
type ClusterSnapshot struct {
	// Records counts the records read.
	Records int64
	// Newest is when the newest hub event with such a record was enqueued, zero if unknown.
	Newest time.Time
}

func newClusters() *clusters {
	return &clusters{
		records: prometheus.NewDesc("aks_audit_log_cluster_records_total",
			"Records of the audit categories that were read, by the cluster that their resourceId names.", []string{"cluster"}, nil),
		newest: prometheus.NewDesc("aks_audit_log_cluster_newest_timestamp_seconds",
			"When the newest hub event with a record of the cluster that was read was enqueued, in Unix time.", []string{"cluster"}, nil),
		byName: map[string]*cluster{},
	}
}

func (c *clusters) Describe(ch chan<- *prometheus.Desc) {
	ch <- c.records
	ch <- c.newest
}

func (c *clusters) Collect(ch chan<- prometheus.Metric) {
	for name, s := range c.all() {
		ch <- prometheus.MustNewConstMetric(c.records, prometheus.CounterValue, float64(s.Records), name)
		if !s.Newest.IsZero() {
			ch <- prometheus.MustNewConstMetric(c.newest, prometheus.GaugeValue, float64(s.Newest.UnixMilli())/1000, name)
		}
	}
}

func (c *clusters) all() map[string]ClusterSnapshot {
	c.mu.RLock()
	defer c.mu.RUnlock()
	all := make(map[string]ClusterSnapshot, len(c.byName))
	for name, cluster := range c.byName {
		s := ClusterSnapshot{Records: cluster.records.Load()}
		if newest := cluster.newest.Load(); newest != unknown {
			s.Newest = time.Unix(0, newest)
		}
		all[name] = s
	}
	return all
}

// cluster returns the metrics of a cluster. It returns those of ClusterOther for a name that cannot be a label, and
// for a new name once maxClusters are known.
func (c *clusters) cluster(name string) *cluster {
	c.mu.RLock()
	found, full := c.byName[name], len(c.byName) >= maxClusters
	if found == nil && full {
		found = c.byName[ClusterOther]
	}
	c.mu.RUnlock()
	if found != nil {
		return found
	}
	if full || len(name) > maxClusterName || !utf8.ValidString(name) {
		name = ClusterOther
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byName[name] == nil && len(c.byName) >= maxClusters {
		name = ClusterOther
	}
	if c.byName[name] == nil {
		c.byName[name] = &cluster{}
		c.byName[name].newest.Store(unknown)
	}
	return c.byName[name]
}

func (c *cluster) read(records int, enqueued time.Time) {
	c.records.Add(int64(records))
	raise(&c.newest, enqueued)
}

// ClusterRead counts the records of a cluster in a hub event, which was enqueued at that time. An empty name means no
// cluster and is not counted.
func (s *Statistics) ClusterRead(name string, records int, enqueued time.Time) {
	if name != "" && records > 0 {
		s.clusters.cluster(name).read(records, enqueued)
	}
}

// Clusters returns a snapshot of each cluster with records, by name.
func (s *Statistics) Clusters() map[string]ClusterSnapshot { return s.clusters.all() }
