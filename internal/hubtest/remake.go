package hubtest

import "time"

// Remake deletes the hub and creates it again under the same name, as terraform does. All partitions are empty,
// sequence numbers and offsets start again, and the creation time of the hub is new. All connections are cut.
func (s *Server) Remake() {
	for _, p := range s.allPartitions() {
		p.clear()
	}
	s.mu.Lock()
	s.created = time.Now()
	s.mu.Unlock()
	s.DropConnections()
}

// Rewind removes the newest events from all partitions, from this sequence number on, as a failover to a copy of the
// hub that lags behind does. All connections are cut.
func (s *Server) Rewind(from int64) {
	for _, p := range s.allPartitions() {
		p.rewind(from)
	}
	s.DropConnections()
}

// madeAt returns when the hub was created.
func (s *Server) madeAt() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.created
}

// clear makes the partition like a new one.
func (p *partition) clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.entries, p.next, p.nextOffset, p.last = nil, 0, 0, noEntry
}

// rewind removes the entries from this sequence number on.
func (p *partition) rewind(from int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	left := min(max(0, from-p.begin()), int64(len(p.entries)))
	if left == int64(len(p.entries)) {
		return
	}
	p.next, p.nextOffset = p.entries[left].sequence, p.entries[left].offset
	// A copy is necessary: readers may hold slices of the entries, and new entries would overwrite theirs.
	p.entries, p.last = append([]entry(nil), p.entries[:left]...), noEntry
	if left > 0 {
		newest := p.entries[left-1]
		p.last = entry{sequence: newest.sequence, offset: newest.offset, enqueued: newest.enqueued}
	}
}
