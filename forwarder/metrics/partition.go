package metrics

import (
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"aks-audit-log-go/forwarder/audit"
)

// unknown stands for a lag, a position or a time that is not recorded yet.
const unknown = -1

// Partition holds the metrics of one partition, and its other numbers on the status page. A caller that counts often
// keeps its Partition, so that counting needs no look-up. A Partition is safe for concurrent use.
type Partition struct {
	now func() time.Time

	events, bytes, checkpoints          prometheus.Counter
	checkpointFailures, receiveFailures prometheus.Counter
	missing, losses, streams            prometheus.Counter

	owned    atomic.Bool
	lag      atomic.Int64 // in hub events, or unknown
	position atomic.Int64 // the sequence number up to which all hub events have their verdict, or unknown
	newest   atomic.Int64 // the time of the newest hub event with all verdicts, in Unix nanoseconds, or unknown
	oldest   atomic.Int64 // the time of the oldest hub event in hand, in Unix nanoseconds, or unknown
	handled  atomic.Int64 // hub events with all their verdicts, each once

	// records counts verdicts for the status page. It is not a metric, because each partition and verdict would have a
	// series. The map never changes.
	records    map[audit.Verdict]*atomic.Int64
	lastAnswer atomic.Pointer[SinkAnswer]
	backlog    atomic.Pointer[Backlog]
}

// SinkAnswer is the result of one POST.
type SinkAnswer struct {
	At time.Time `json:"at"`
	// Status is the status code of the answer, 0 if there was none.
	Status int `json:"status"`
	// Failure is why the POST was not accepted, or empty. It holds no secret.
	Failure string `json:"failure,omitempty"`
	// Seconds is the time from the start of the POST to the end of its answer.
	Seconds float64 `json:"seconds"`
}

// Snapshot is the state of one partition at one moment. Position, Lag, Newest, Oldest and Backlog are known only while
// it is owned.
type Snapshot struct {
	Owned bool
	// Position is the sequence number up to which all hub events have their verdict, nil if unknown.
	Position *int64
	// Lag is the number of hub events still to be handled, nil if unknown.
	Lag *int64
	// Newest is when the newest hub event with all verdicts was enqueued, zero if unknown.
	Newest time.Time
	// Oldest is when the oldest hub event in hand was enqueued, zero if none is in hand.
	Oldest time.Time
	// Handled counts the hub events with all verdicts, each once, even if the partition is not owned.
	Handled int64
	// Records counts the records of the partition by verdict.
	Records map[audit.Verdict]int64
	// LastAnswer is the result of the last POST, nil before the first.
	LastAnswer *SinkAnswer
	// Backlog is how far the partition is behind the hub, nil if it is not.
	Backlog *Backlog
}

func newPartition(id string, vec *partitions) *Partition {
	p := &Partition{
		now:                vec.now,
		events:             vec.events.WithLabelValues(id),
		bytes:              vec.bytes.WithLabelValues(id),
		checkpoints:        vec.checkpoints.WithLabelValues(id),
		checkpointFailures: vec.checkpointFailures.WithLabelValues(id),
		receiveFailures:    vec.receiveFailures.WithLabelValues(id),
		missing:            vec.missing.WithLabelValues(id),
		losses:             vec.losses.WithLabelValues(id),
		streams:            vec.streams.WithLabelValues(id),
		records:            map[audit.Verdict]*atomic.Int64{},
	}
	for _, verdict := range audit.Verdicts() {
		p.records[verdict] = &atomic.Int64{}
	}
	p.forget()
	return p
}

func (p *Partition) forget() {
	p.lag.Store(unknown)
	p.position.Store(unknown)
	p.newest.Store(unknown)
	p.oldest.Store(unknown)
}

// Owned records that this replica owns the partition from now on.
func (p *Partition) Owned() {
	if !p.owned.Load() {
		p.forget()
		p.owned.Store(true)
	}
}

// Released records that this replica no longer owns the partition. Its lag and age disappear; its counters stay.
func (p *Partition) Released() { p.owned.Store(false) }

// Lag records how many hub events are still to be handled. A negative number counts as 0.
func (p *Partition) Lag(events int64) { p.lag.Store(max(events, 0)) }

// Position records the sequence number up to which all hub events have their verdict. A negative one means unknown.
func (p *Partition) Position(sequence int64) { p.position.Store(sequence) }

// Done records the enqueued time of a hub event with all its verdicts. It ignores the zero time, and one older than
// the newest: a redelivered event is older.
func (p *Partition) Done(enqueued time.Time) {
	raise(&p.newest, enqueued)
}

// raise sets newest, in Unix nanoseconds, to a later time, and is safe for concurrent use. It ignores the zero time.
func raise(newest *atomic.Int64, to time.Time) {
	if to.IsZero() {
		return
	}
	at := to.UnixNano()
	for known := newest.Load(); at > known && !newest.CompareAndSwap(known, at); known = newest.Load() {
	}
}

// Waiting records when the oldest hub event in hand was enqueued, the zero time if none is in hand.
func (p *Partition) Waiting(enqueued time.Time) {
	if enqueued.IsZero() {
		p.oldest.Store(unknown)
		return
	}
	p.oldest.Store(enqueued.UnixNano())
}

// Handled counts a hub event that got its last verdict for the first time.
func (p *Partition) Handled() { p.handled.Add(1) }

// Received counts a hub event and the bytes of its body.
func (p *Partition) Received(bytes int) {
	p.events.Inc()
	p.bytes.Add(float64(bytes))
}

// CheckpointWritten counts a checkpoint.
func (p *Partition) CheckpointWritten() { p.checkpoints.Inc() }

// CheckpointFailed counts a checkpoint that could not be written.
func (p *Partition) CheckpointFailed() { p.checkpointFailures.Inc() }

// ReceiveFailed counts an error that ended receiving from the partition.
func (p *Partition) ReceiveFailed() { p.receiveFailures.Inc() }

// Missing counts hub events that are missing between two received ones.
func (p *Partition) Missing(events int64) { p.missing.Add(float64(events)) }

// StreamChanged counts that the partition no longer holds the stream that was read before.
func (p *Partition) StreamChanged() { p.streams.Inc() }

// SinkLost counts a loss of the sink while it held unconfirmed audit events of the partition.
func (p *Partition) SinkLost() { p.losses.Inc() }

// Records counts records by verdict for the status page. Statistics counts them for the metrics.
func (p *Partition) Records(v audit.Verdict, n int) {
	if count := p.records[v]; count != nil && n > 0 {
		count.Add(int64(n))
	}
}

// SinkAnswered records the result of the partition's last POST and its duration. status is the status code of the
// answer, 0 if there was none. failure is why the POST was not accepted, or empty. Everybody can see failure on the
// status page, so it must hold no secret.
func (p *Partition) SinkAnswered(status int, failure string, took time.Duration) {
	p.lastAnswer.Store(&SinkAnswer{At: p.now().UTC(), Status: status, Failure: failure, Seconds: took.Seconds()})
}

// Snapshot returns the state of this moment.
func (p *Partition) Snapshot() Snapshot {
	s := Snapshot{
		Owned: p.owned.Load(), Handled: p.handled.Load(), LastAnswer: p.lastAnswer.Load(),
		Records: make(map[audit.Verdict]int64, len(p.records)),
	}
	for verdict, count := range p.records {
		s.Records[verdict] = count.Load()
	}
	if !s.Owned {
		return s
	}
	s.Backlog = p.backlog.Load()
	s.Position, s.Lag = known(p.position.Load()), known(p.lag.Load())
	if newest := p.newest.Load(); newest != unknown {
		s.Newest = time.Unix(0, newest)
	}
	if oldest := p.oldest.Load(); oldest != unknown {
		s.Oldest = time.Unix(0, oldest)
	}
	return s
}

func known(value int64) *int64 {
	if value < 0 {
		return nil
	}
	return &value
}
