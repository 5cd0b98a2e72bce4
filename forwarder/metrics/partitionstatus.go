package metrics

import (
	"time"

	"aks-audit-log-go/forwarder/audit"
)

// PartitionHere: this replica owns it.
const PartitionHere = "here"

// PartitionElsewhere: another replica owns it, or another reader of the consumer group.
const PartitionElsewhere = "elsewhere"

// PartitionUnowned: nobody owned it in the last balancing round.
const PartitionUnowned = "unowned"

// PartitionGivenUp: this replica has let it go since; who has it now the next round tells.
const PartitionGivenUp = "given up"

// PartitionStatus is what is known of a partition. Position, lag and age are known only while
// this replica owns it.
type PartitionStatus struct {
	ID string `json:"id"`
	// State is one of the Partition constants.
	State string `json:"state"`
	Owner string `json:"owner"`
	// Position is the sequence number up to which all hub events have their verdict.
	Position *int64 `json:"position"`
	// LagEvents is how many hub events are still to be handled.
	LagEvents *int64 `json:"lag_events"`
	// AgeSeconds is the time since the newest hub event was enqueued whose records all have their verdict.
	AgeSeconds *float64                `json:"age_seconds"`
	Records    map[audit.Verdict]int64 `json:"records"`
	LastAnswer *SinkAnswer             `json:"last_answer"`
}

// own reconciles what the last balancing round found with what has happened since.
func (p *PartitionStatus) Own(me string) {
	switch {
	case p.State == PartitionHere:
		p.Owner = me
	case p.Owner == "":
		p.State = PartitionUnowned
	case p.Owner == me:
		p.State, p.Owner = PartitionGivenUp, ""
	default:
		p.State = PartitionElsewhere
	}
}

// describe fills in what this replica knows of the partition.
func (s *partitionState) Describe(p *PartitionStatus, now time.Time) {
	p.LastAnswer = s.view.answer.Load()
	p.Records = make(map[audit.Verdict]int64, len(s.view.records))
	for verdict, count := range s.view.records {
		p.Records[verdict] = count.Load()
	}
	if !s.owned.Load() {
		return
	}
	p.State = PartitionHere
	p.Position, p.LagEvents = known(s.view.position.Load()), known(s.lag.Load())
	if newest := s.newest.Load(); newest != unknown {
		age := max(now.Sub(time.Unix(0, newest)), 0).Seconds()
		p.AgeSeconds = &age
	}
}

func known(value int64) *int64 {
	if value < 0 {
		return nil
	}
	return &value
}
