package harness

import (
	"fmt"
	"sort"
	"strings"
	"sync"
)

// want is the expected outcome of a record.
type want int

const (
	wantDelivered  want = iota // delivered unchanged
	wantDeadLetter             // stored as a dead letter
	wantEither                 // delivered and marked as truncated, or stored as a dead letter, or both
	wantNeither                // has no audit event, so neither
)

// noNumber is the number of a record without a readable auditID.
const noNumber = -1

// wantedRecord is a record of a hub event, with its expected and its actual outcome.
type wantedRecord struct {
	want                    want
	number                  int // the index of the audit event in its partition
	delivered, deadLettered bool
}

// hasVerdict reports whether the record has its expected outcome.
func (e wantedRecord) hasVerdict() bool {
	switch e.want {
	case wantDelivered:
		return e.delivered
	case wantDeadLetter:
		return e.deadLettered
	case wantEither:
		return e.delivered || e.deadLettered
	default:
		return true
	}
}

// wantedHubEvent is a hub event that the checkpoint has not passed yet.
type wantedHubEvent struct {
	first, next int // the numbers of its audit events: first <= number < next
	records     []wantedRecord
}

// wantedPartition is what an Oracle knows about one partition.
type wantedPartition struct {
	next       int   // the number of the next audit event
	highest    int   // the highest number that has arrived, or noNumber
	checkpoint int64 // a sequence number, or -1 if there is none
	hubEvents  []wantedHubEvent
}

// Counts are numbers of audit events and records.
type Counts struct {
	Appended, Delivered, Redelivered, DeadLettered, Lost int
}

// Oracle knows the expected outcome of each appended record, and checks the actual one. It forgets the records that
// the checkpoint has passed, after each has its verdict, so that its memory does not grow with time.
type Oracle struct {
	mu         sync.Mutex
	partitions map[string]*wantedPartition
	counts     Counts
	// RejectOldRedeliveries makes a redelivery of an event before the checkpoint an error.
	RejectOldRedeliveries bool
	errors                []string
}

// NewOracle returns an Oracle for a hub without events.
func NewOracle(partitions []string) *Oracle {
	o := &Oracle{partitions: map[string]*wantedPartition{}}
	for _, partition := range partitions {
		o.partitions[partition] = &wantedPartition{checkpoint: -1, highest: noNumber}
	}
	return o
}

// report records an error. It keeps only the first few.
func (o *Oracle) report(format string, args ...any) {
	const enough = 20
	if len(o.errors) < enough {
		o.errors = append(o.errors, fmt.Sprintf(format, args...))
	}
}

// ReportError records an error that the caller has found.
func (o *Oracle) ReportError(format string, args ...any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.report(format, args...)
}

// Errors returns the errors so far.
func (o *Oracle) Errors() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]string{}, o.errors...)
}

// Counts returns the counts so far.
func (o *Oracle) Counts() Counts {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.counts
}

// Append adds the next hub event of a partition, and returns its sequence number. Call it before the hub gets the hub
// event, because the event can be delivered at once.
func (o *Oracle) Append(partition string, records []wantedRecord) int64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	a := o.partitions[partition]
	p := wantedHubEvent{first: a.next, records: records}
	for _, e := range records {
		if e.number != noNumber {
			a.next++
		}
		if e.want != wantNeither {
			o.counts.Appended++
		}
	}
	p.next = a.next
	a.hubEvents = append(a.hubEvents, p)
	return a.checkpoint + int64(len(a.hubEvents))
}

// Refuses reports whether the sink has to refuse an audit event.
func (o *Oracle) Refuses(auditID string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	partition, number, err := ReadAuditID(auditID)
	a := o.partitions[partition]
	if err != nil || a == nil {
		return false
	}
	e := a.record(number)
	return e != nil && e.want == wantDeadLetter
}

// Arrive records an audit event that the sink has received. It returns false if the sink has to refuse it.
func (o *Oracle) Arrive(auditID, content string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	partition, number, err := ReadAuditID(auditID)
	a := o.partitions[partition]
	if err != nil || a == nil || number >= a.next {
		o.report("the sink got audit event %q, which was not appended: %.200s", auditID, content)
		return true
	}
	e := a.record(number)
	switch {
	case e == nil:
		o.counts.Redelivered++
		if o.RejectOldRedeliveries {
			o.report("partition %s: audit event %d was redelivered after the checkpoint had passed it", partition, number)
		}
	case e.want == wantDeadLetter:
		if content != AuditEvent(partition, number) {
			o.report("the sink got an unusable audit event: %.400s", content)
		}
		return false
	case e.delivered:
		o.counts.Redelivered++
	default:
		o.deliver(a, e, partition, content)
	}
	return true
}

// deliver records the first arrival of an audit event.
func (o *Oracle) deliver(a *wantedPartition, e *wantedRecord, partition, content string) {
	o.counts.Delivered++
	e.delivered = true
	if e.number < a.highest {
		o.report("partition %s: audit event %d came after %d", partition, e.number, a.highest)
	}
	a.highest = max(a.highest, e.number)
	whole := content == AuditEvent(partition, e.number)
	marked := strings.Contains(content, `"audit.k8s.io/truncated":"true"`)
	if e.want == wantDelivered && !whole || e.want == wantEither && !marked {
		o.report("partition %s: audit event %d is not what was appended: %.400s", partition, e.number, content)
	}
}

// DeadLetter records a dead letter.
func (o *Oracle) DeadLetter(partition string, sequence int64, record int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	a := o.partitions[partition]
	if a == nil || sequence-a.checkpoint-1 >= int64(len(a.hubEvents)) {
		o.report("there is a dead letter of partition %s, sequence number %d, which was not appended", partition, sequence)
		return
	}
	if sequence <= a.checkpoint {
		return // it is already checked
	}
	records := a.hubEvents[sequence-a.checkpoint-1].records
	if record >= len(records) || records[record].want == wantDelivered || records[record].want == wantNeither {
		o.report("there is a dead letter of partition %s, sequence number %d, record %d, which should have none", partition, sequence, record)
		return
	}
	if !records[record].deadLettered {
		records[record].deadLettered = true
		o.counts.DeadLettered++
	}
}

// Checkpoint records the checkpoint of a partition, and checks that all records up to it have their verdicts. It
// returns whether the checkpoint has moved.
func (o *Oracle) Checkpoint(partition string, sequence int64) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	a := o.partitions[partition]
	if sequence < a.checkpoint {
		o.report("partition %s: the checkpoint went back from %d to %d", partition, a.checkpoint, sequence)
		return false
	}
	moved := sequence > a.checkpoint
	for ; a.checkpoint < sequence && len(a.hubEvents) > 0; a.checkpoint++ {
		for record, e := range a.hubEvents[0].records {
			if !e.hasVerdict() {
				o.counts.Lost++
				o.report("partition %s: the checkpoint %d passed sequence number %d, record %d (audit event %d), which has no verdict",
					partition, sequence, a.checkpoint+1, record, e.number)
			}
		}
		a.hubEvents = a.hubEvents[1:]
	}
	if a.checkpoint < sequence {
		o.report("partition %s: the checkpoint %d is beyond the last hub event %d", partition, sequence, a.checkpoint)
	}
	return moved
}

// OpenHubEvents returns how many hub events the checkpoints have not passed yet.
func (o *Oracle) OpenHubEvents() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := 0
	for _, a := range o.partitions {
		n += len(a.hubEvents)
	}
	return n
}

// Backlog returns about how many records have no verdict yet. It is faster than WithoutVerdict.
func (o *Oracle) Backlog() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.counts.Appended - o.counts.Delivered - o.counts.DeadLettered
}

// WithoutVerdict returns how many records have no verdict yet.
func (o *Oracle) WithoutVerdict() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := 0
	for _, a := range o.partitions {
		for _, p := range a.hubEvents {
			for _, e := range p.records {
				if !e.hasVerdict() {
					n++
				}
			}
		}
	}
	return n
}

// record returns the record of an audit event that the checkpoint has not passed, or nil.
func (a *wantedPartition) record(number int) *wantedRecord {
	i := sort.Search(len(a.hubEvents), func(i int) bool { return a.hubEvents[i].next > number })
	if i == len(a.hubEvents) || a.hubEvents[i].first > number {
		return nil
	}
	for record := range a.hubEvents[i].records {
		if a.hubEvents[i].records[record].number == number {
			return &a.hubEvents[i].records[record]
		}
	}
	return nil
}

// ReadAuditID parses an AuditID.
func ReadAuditID(id string) (partition string, number int, err error) {
	if len(id) != len(AuditID("0", 0)) {
		return "", 0, fmt.Errorf("%q is not an AuditID", id)
	}
	partition = strings.TrimLeft(id[:7], "0") + id[7:8]
	_, err = fmt.Sscanf(id[len(id)-12:], "%d", &number)
	return partition, number, err
}
