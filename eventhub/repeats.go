package eventhub

// repeats tells what comes for the first time from what is read again because the sink was lost,
// so that nothing is counted twice. It lives as long as the partition is owned, and belongs to the
// goroutine that processes.
type repeats struct {
	// received is the newest event that has come, done the newest whose records all have their
	// verdict.
	received, done int64
	// judged are the records with a verdict of the event behind done.
	judged map[int]bool
}

// begin sets where reading starts.
func (r *repeats) begin(position Position) {
	r.received, r.done = position.Sequence, position.Sequence
	r.judged = map[int]bool{}
}

// arrived notes an event and reports whether it comes for the first time.
func (r *repeats) arrived(event Event) bool {
	first := event.Sequence > r.received
	r.received = max(r.received, event.Sequence)
	return first
}

// known reports whether the record has had its verdict.
func (r *repeats) known(event Event, record int) bool {
	return event.Sequence <= r.done || event.Sequence == r.received && r.judged[record]
}

// judge notes that the record has its verdict and reports whether that is its first.
func (r *repeats) judge(event Event, record int) bool {
	if r.known(event, record) {
		return false
	}
	r.judged[record] = true
	return true
}

// finish notes that all records of the event have their verdict.
func (r *repeats) finish(event Event) {
	if event.Sequence > r.done {
		r.done = event.Sequence
		clear(r.judged)
	}
}
