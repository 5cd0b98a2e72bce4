package metrics

import (
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// unknown is the lag, and the time of the newest delivered event, before the first is recorded.
const unknown = -1

// partitionStatistics are the metrics by partition. The counters live as long as the process;
// lag and age are shown only while the partition is owned, since another replica shows them
// then. It is a collector of its own because the age is reckoned at the scrape.
type partitionStatistics struct {
	now func() time.Time

	events, bytes, checkpoints          *prometheus.CounterVec
	checkpointFailures, receiveFailures *prometheus.CounterVec
	missing, losses                     *prometheus.CounterVec
	owned, ownedCount, lag, age         *prometheus.Desc

	// states is replaced when a partition is first heard of, so that the call per event
	// needs no lock; adding guards the replacing.
	States atomic.Pointer[map[string]*partitionState]
	adding sync.Mutex
}

// partitionState is one partition's metrics, found with one look-up.
type partitionState struct {
	events, bytes, checkpoints          prometheus.Counter
	checkpointFailures, receiveFailures prometheus.Counter
	missing, losses                     prometheus.Counter

	// view is what the status page shows beside the metrics.
	view *partitionView

	owned  atomic.Bool
	lag    atomic.Int64 // in events, or unknown
	newest atomic.Int64 // when the newest delivered event was enqueued, in Unix nanoseconds, or unknown
}

func newPartitionStatistics(now func() time.Time) *partitionStatistics {
	p := &partitionStatistics{
		now:                now,
		events:             partitionCounter("aks_audit_log_hub_events_total", "Hub events received; each holds many records."),
		bytes:              partitionCounter("aks_audit_log_hub_event_bytes_total", "Bytes of the bodies of the hub events received."),
		checkpoints:        partitionCounter("aks_audit_log_checkpoint_writes_total", "Checkpoints written."),
		checkpointFailures: partitionCounter("aks_audit_log_checkpoint_failures_total", "Checkpoints that could not be written."),
		receiveFailures:    partitionCounter("aks_audit_log_receive_failures_total", "Times that receiving from the hub ended with an error."),
		missing:            partitionCounter("aks_audit_log_missing_events_total", "Hub events left out between two that came: retention removed them, or the hub did not give them."),
		losses:             partitionCounter("aks_audit_log_sink_losses_total", "Times that the sink was lost with audit events that it had accepted and not settled."),
		owned: prometheus.NewDesc("aks_audit_log_partition_owned",
			"1 while this replica owns the partition, 0 after it gave it up.", []string{"partition"}, nil),
		ownedCount: prometheus.NewDesc("aks_audit_log_partitions_owned",
			"Partitions that this replica owns.", nil, nil),
		lag: prometheus.NewDesc("aks_audit_log_partition_lag_events",
			"Hub events in the partition that are still to be handled; only while this replica owns it.", []string{"partition"}, nil),
		age: prometheus.NewDesc("aks_audit_log_newest_delivered_event_age_seconds",
			"Time since the newest hub event was enqueued whose records all have their verdict; only while this replica owns the partition.", []string{"partition"}, nil),
	}
	p.States.Store(&map[string]*partitionState{})
	return p
}

func partitionCounter(name, help string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, []string{"partition"})
}

func (p *partitionStatistics) register(reg *prometheus.Registry) {
	reg.MustRegister(p.events, p.bytes, p.checkpoints, p.checkpointFailures, p.receiveFailures, p.missing, p.losses, p)
}

// Describe implements prometheus.Collector.
func (p *partitionStatistics) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{p.owned, p.ownedCount, p.lag, p.age} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (p *partitionStatistics) Collect(ch chan<- prometheus.Metric) {
	count := 0.0
	for partition, s := range *p.States.Load() {
		owned := 0.0
		if s.owned.Load() {
			owned = 1
			p.collectOwned(ch, partition, s)
		}
		count += owned
		ch <- prometheus.MustNewConstMetric(p.owned, prometheus.GaugeValue, owned, partition)
	}
	ch <- prometheus.MustNewConstMetric(p.ownedCount, prometheus.GaugeValue, count)
}

// collectOwned sends what is shown of an owned partition only.
func (p *partitionStatistics) collectOwned(ch chan<- prometheus.Metric, partition string, s *partitionState) {
	if lag := s.lag.Load(); lag != unknown {
		ch <- prometheus.MustNewConstMetric(p.lag, prometheus.GaugeValue, float64(lag), partition)
	}
	if newest := s.newest.Load(); newest != unknown {
		// The hub's clock can be ahead of ours; an age below zero would only confuse.
		age := max(p.now().Sub(time.Unix(0, newest)), 0)
		ch <- prometheus.MustNewConstMetric(p.age, prometheus.GaugeValue, age.Seconds(), partition)
	}
}

// state returns the partition's metrics. The first call makes its counters, at 0.
func (p *partitionStatistics) state(partition string) *partitionState {
	if s, ok := (*p.States.Load())[partition]; ok {
		return s
	}
	p.adding.Lock()
	defer p.adding.Unlock()
	if s, ok := (*p.States.Load())[partition]; ok {
		return s
	}
	s := &partitionState{
		events:             p.events.WithLabelValues(partition),
		bytes:              p.bytes.WithLabelValues(partition),
		checkpoints:        p.checkpoints.WithLabelValues(partition),
		checkpointFailures: p.checkpointFailures.WithLabelValues(partition),
		receiveFailures:    p.receiveFailures.WithLabelValues(partition),
		missing:            p.missing.WithLabelValues(partition),
		losses:             p.losses.WithLabelValues(partition),
		view:               newPartitionView(),
	}
	s.forget()
	states := maps.Clone(*p.States.Load())
	states[partition] = s
	p.States.Store(&states)
	return s
}

// forget drops what is known of a partition's position.
func (s *partitionState) forget() {
	s.lag.Store(unknown)
	s.newest.Store(unknown)
	s.view.position.Store(unknown)
}

// delivered moves the newest delivered event up, never back: an event that comes twice is older.
func (s *partitionState) delivered(enqueued time.Time) {
	at := enqueued.UnixNano()
	for {
		newest := s.newest.Load()
		if at <= newest || s.newest.CompareAndSwap(newest, at) {
			return
		}
	}
}

// PartitionOwned records that this replica owns the partition from now on.
func (s *Statistics) PartitionOwned(partition string) {
	state := s.Partitions.state(partition)
	if !state.owned.Load() {
		state.forget()
		state.owned.Store(true)
	}
}

// PartitionReleased records that this replica no longer owns the partition. Its lag and age
// disappear; its counters stay.
func (s *Statistics) PartitionReleased(partition string) {
	s.Partitions.state(partition).owned.Store(false)
}

// PartitionLag records how many hub events of the partition are still to be handled. It is
// shown while the partition is owned; below 0 counts as 0.
func (s *Statistics) PartitionLag(partition string, events int64) {
	s.Partitions.state(partition).lag.Store(max(events, 0))
}

// PartitionDone records when a hub event had been enqueued whose records all have their verdict; the zero
// time, of an event that does not say, is passed over. The age is shown while the partition
// is owned.
func (s *Statistics) PartitionDone(partition string, enqueued time.Time) {
	if !enqueued.IsZero() {
		s.Partitions.state(partition).delivered(enqueued)
	}
}

// HubEventReceived counts a hub event whose body has so many bytes.
func (s *Statistics) HubEventReceived(partition string, bytes int) {
	state := s.Partitions.state(partition)
	state.events.Inc()
	state.bytes.Add(float64(bytes))
}

// CheckpointWritten counts a checkpoint.
func (s *Statistics) CheckpointWritten(partition string) {
	s.Partitions.state(partition).checkpoints.Inc()
}

// CheckpointFailed counts a checkpoint that could not be written.
func (s *Statistics) CheckpointFailed(partition string) {
	s.Partitions.state(partition).checkpointFailures.Inc()
}

// ReceiveFailed counts an error that ended receiving from the partition.
func (s *Statistics) ReceiveFailed(partition string) {
	s.Partitions.state(partition).receiveFailures.Inc()
}

// EventsMissing counts hub events that should have come between two that came.
func (s *Statistics) EventsMissing(partition string, events int64) {
	s.Partitions.state(partition).missing.Add(float64(events))
}

// SinkLost counts a loss of the sink with something that it had accepted from the partition and
// not settled.
func (s *Statistics) SinkLost(partition string) {
	s.Partitions.state(partition).losses.Inc()
}
