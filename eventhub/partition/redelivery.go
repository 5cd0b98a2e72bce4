package partition

import (
	"aks-audit-log-go/eventhub"
)

// repeats tells what comes for the first time from what is read again because the sink was lost,
// so that nothing is counted twice. It lives as long as the partition is owned.
type repeats struct {
	// received is the newest event that has come. It belongs to the goroutine that gathers.
	received int64
	// before is how far the verdicts went when this stretch began. It does not change within one.
	before progress
	// now is how far they go. It belongs to the goroutine that delivers.
	now progress
}

// progress is how far verdicts go.
type progress struct {
	// done is the newest event whose records all have their verdict.
	done int64
	// begun is an event behind it of which the first records have theirs, and judged how many;
	// there is at most one.
	begun  int64
	judged int
}

// begin sets where reading starts.
func (r *repeats) begin(position eventhub.Position) {
	start := progress{done: position.Sequence, begun: eventhub.NoSequence}
	*r = repeats{received: position.Sequence, before: start, now: start}
}

// again begins a stretch.
func (r *repeats) again() { r.before = r.now }

// arrived notes an event. It returns the newest one before, and whether this one comes for the
// first time.
func (r *repeats) arrived(sequence int64) (before int64, first bool) {
	before = r.received
	r.received = max(before, sequence)
	return before, sequence > before
}

// known reports whether a record had its verdict before this stretch.
func (r *repeats) known(sequence int64, record int) bool {
	return sequence <= r.before.done || sequence == r.before.begun && record < r.before.judged
}

// finish notes that all records of an event have their verdict.
func (r *repeats) finish(sequence int64) { r.now.done = max(r.now.done, sequence) }

// leave notes that of an event only the first records have theirs.
func (r *repeats) leave(sequence int64, judged int) {
	if sequence > r.now.begun || sequence == r.now.begun && judged > r.now.judged {
		r.now.begun, r.now.judged = sequence, judged
	}
}
