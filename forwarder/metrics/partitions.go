package metrics

import (
	"maps"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// partitions is the collector of the metrics by partition. The counters live as long as the process. Lag and age are
// exported only while this replica owns the partition, because another replica exports them afterwards. partitions is
// a collector of its own because the age is computed at the scrape.
type partitions struct {
	now func() time.Time

	events, bytes, checkpoints          *prometheus.CounterVec
	checkpointFailures, receiveFailures *prometheus.CounterVec
	missing, losses, streams            *prometheus.CounterVec
	owned, ownedCount, lag, age         *prometheus.Desc

	mu   sync.Mutex
	byID map[string]*Partition
}

func newPartitions(now func() time.Time) *partitions {
	return &partitions{
		now:                now,
		events:             partitionCounter("aks_audit_log_hub_events_total", "Hub events received; each holds many records."),
		bytes:              partitionCounter("aks_audit_log_hub_event_bytes_total", "Bytes of the bodies of the hub events received."),
		checkpoints:        partitionCounter("aks_audit_log_checkpoint_writes_total", "Checkpoints written."),
		checkpointFailures: partitionCounter("aks_audit_log_checkpoint_failures_total", "Checkpoints that could not be written."),
		receiveFailures:    partitionCounter("aks_audit_log_receive_failures_total", "Times that receiving from the hub ended with an error."),
		missing:            partitionCounter("aks_audit_log_missing_events_total", "Hub events missing between two that were received: retention removed them, or the hub did not deliver them."),
		losses:             partitionCounter("aks_audit_log_sink_losses_total", "Times that the connection to the sink was lost with audit events that it had accepted and not confirmed."),
		streams:            partitionCounter("aks_audit_log_streams_changed_total", "Times that a partition no longer held the stream that was read: the hub was created again, rewound or failed over."),
		owned: prometheus.NewDesc("aks_audit_log_partition_owned",
			"1 while this replica owns the partition, 0 after it gave it up.", []string{"partition"}, nil),
		ownedCount: prometheus.NewDesc("aks_audit_log_partitions_owned",
			"Partitions that this replica owns.", nil, nil),
		lag: prometheus.NewDesc("aks_audit_log_partition_lag_events",
			"Hub events in the partition that are still to be handled; only while this replica owns it.", []string{"partition"}, nil),
		age: prometheus.NewDesc("aks_audit_log_newest_delivered_event_age_seconds",
			"Time since the newest hub event was enqueued whose records all have their verdict; only while this replica owns the partition.", []string{"partition"}, nil),
		byID: map[string]*Partition{},
	}
}

func partitionCounter(name, help string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, []string{"partition"})
}

func (p *partitions) register(reg *prometheus.Registry) {
	reg.MustRegister(p.events, p.bytes, p.checkpoints, p.checkpointFailures, p.receiveFailures, p.missing, p.losses, p.streams, p)
}

func (p *partitions) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{p.owned, p.ownedCount, p.lag, p.age} {
		ch <- d
	}
}

func (p *partitions) Collect(ch chan<- prometheus.Metric) {
	count := 0.0
	for id, partition := range p.all() {
		owned := 0.0
		if s := partition.Snapshot(); s.Owned {
			owned = 1
			p.collectOwned(ch, id, s)
		}
		count += owned
		ch <- prometheus.MustNewConstMetric(p.owned, prometheus.GaugeValue, owned, id)
	}
	ch <- prometheus.MustNewConstMetric(p.ownedCount, prometheus.GaugeValue, count)
}

func (p *partitions) collectOwned(ch chan<- prometheus.Metric, id string, s Snapshot) {
	if s.Lag != nil {
		ch <- prometheus.MustNewConstMetric(p.lag, prometheus.GaugeValue, float64(*s.Lag), id)
	}
	if !s.Newest.IsZero() {
		// The hub's clock can be ahead of this one, but an age below zero would confuse.
		age := max(p.now().Sub(s.Newest), 0)
		ch <- prometheus.MustNewConstMetric(p.age, prometheus.GaugeValue, age.Seconds(), id)
	}
}

func (p *partitions) all() map[string]*Partition {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.byID)
}

// partition returns the metrics of one partition. The first call creates its counters at 0.
func (p *partitions) partition(id string) *Partition {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.byID[id] == nil {
		p.byID[id] = newPartition(id, p)
	}
	return p.byID[id]
}
