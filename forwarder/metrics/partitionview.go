package metrics

import (
	"sync/atomic"
	"time"

	"aks-audit-log-go/forwarder/audit"
)

// partitionView is what the status page shows of a partition and no metric has: series by
// partition and verdict would be too many.
type partitionView struct {
	// position is the sequence number up to which all hub events have their verdict, or unknown.
	position atomic.Int64
	// records counts verdicts. The map is never changed.
	records map[audit.Verdict]*atomic.Int64
	answer  atomic.Pointer[SinkAnswer]
}

// SinkAnswer is what came of one POST.
type SinkAnswer struct {
	At time.Time `json:"at"`
	// Status is that of the answer, 0 where none came.
	Status int `json:"status"`
	// Failure is why the POST was not accepted; empty where it was. It holds no secret.
	Failure string `json:"failure,omitempty"`
	// Seconds is the time from the start of the POST to the end of its answer.
	Seconds float64 `json:"seconds"`
}

func newPartitionView() *partitionView {
	v := &partitionView{records: make(map[audit.Verdict]*atomic.Int64)}
	for _, verdict := range audit.Verdicts() {
		v.records[verdict] = &atomic.Int64{}
	}
	return v
}

// PartitionPosition records up to which sequence number all hub events of the partition have
// their verdict; below 0 it is not known.
func (s *Statistics) PartitionPosition(partition string, sequence int64) {
	s.Partitions.state(partition).view.position.Store(sequence)
}

// PartitionRecords counts records of the partition that got their verdict, for the status page.
// RecordsDone, RecordSkipped and RecordDeadLettered do it for the metrics.
func (s *Statistics) PartitionRecords(partition string, v audit.Verdict, n int) {
	if count := s.Partitions.state(partition).view.records[v]; count != nil && n > 0 {
		count.Add(int64(n))
	}
}

// SinkAnswered records what came of the partition's last POST, which took that long: the status
// of the answer, 0 where none came, and why it was not accepted, empty where it was. The reason
// is shown to whoever asks: it must hold no secret.
func (s *Statistics) SinkAnswered(partition string, status int, failure string, took time.Duration) {
	s.Partitions.state(partition).view.answer.Store(&SinkAnswer{
		At: s.Partitions.now().UTC(), Status: status, Failure: failure, Seconds: took.Seconds(),
	})
}
