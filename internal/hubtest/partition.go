package hubtest

import (
	"sort"
	"sync"
	"time"

	"aks-audit-log-go/internal/hubtest/wire"
)

// entry is one event of a partition, encoded: head and body together are the message.
type entry struct {
	sequence int64
	offset   int64
	enqueued wire.Timestamp
	head     []byte
	body     []byte
}

func (e entry) size() int { return len(e.head) + len(e.body) }

// partition is a log. Entries are never changed once they are in it, so readers take slices of it and
// read them without the lock.
type partition struct {
	id            string
	geoReplicated bool

	mu         sync.RWMutex
	entries    []entry
	next       int64 // sequence number of the next event
	nextOffset int64
	last       entry         // the newest ever, without its content
	readers    map[*conn]int // connections to wake for a new event, and how many links each has here
}

// noEntry stands for the newest event of a partition that never had one.
var noEntry = entry{sequence: -1, offset: -1}

func newPartition(id string, geoReplicated bool) *partition {
	return &partition{id: id, geoReplicated: geoReplicated, readers: map[*conn]int{}, last: noEntry}
}

// append adds e and returns its sequence number. Sequence numbers are contiguous; offsets are where an
// event would start in a file of them, so that nobody can take the one for the other.
func (p *partition) append(e event) (int64, error) {
	if e.enqueued.IsZero() {
		e.enqueued = time.Now()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	n := entry{sequence: p.next, offset: p.nextOffset, enqueued: wire.TimestampOf(e.enqueued)}
	var err error
	n.head, n.body, err = e.encode(e.annotate(n.sequence, offsetText(p.geoReplicated, n.sequence, n.offset), n.enqueued))
	if err != nil {
		return -1, err
	}
	p.entries = append(p.entries, n)
	p.last = entry{sequence: n.sequence, offset: n.offset, enqueued: n.enqueued}
	p.next++
	p.nextOffset += int64(n.size())
	for c := range p.readers {
		c.wakeUp()
	}
	return n.sequence, nil
}

// read gives up to n entries from this sequence number on; from the oldest one there is, if it is gone.
func (p *partition) read(from int64, n int) []entry {
	p.mu.RLock()
	defer p.mu.RUnlock()
	i := max(0, from-p.begin())
	if i >= int64(len(p.entries)) {
		return nil
	}
	return p.entries[i:min(i+int64(n), int64(len(p.entries)))]
}

// begin is the sequence number of the oldest entry. The lock is held.
func (p *partition) begin() int64 { return p.next - int64(len(p.entries)) }

// truncate removes all entries below this sequence number.
func (p *partition) truncate(before int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := min(max(0, before-p.begin()), int64(len(p.entries)))
	// A copy, so that the memory of what is removed is free.
	p.entries = append([]entry(nil), p.entries[i:]...)
}

func (p *partition) info() PartitionInfo {
	p.mu.RLock()
	defer p.mu.RUnlock()
	info := PartitionInfo{
		Begin:        p.begin(),
		LastSequence: p.last.sequence,
		LastOffset:   offsetText(p.geoReplicated, p.last.sequence, p.last.offset),
		LastEnqueued: time.UnixMilli(int64(p.last.enqueued)).UTC(),
		Empty:        len(p.entries) == 0,
	}
	if p.geoReplicated && p.next == 0 {
		// So it looks there (azeventhubs v2.0.2, geodr_test.go).
		info.Begin, info.LastEnqueued = -1, time.Time{}
	}
	return info
}

// locate finds the sequence number that a reader starts at.
func (p *partition) locate(s start) (int64, *wire.Error) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	first := func(after func(entry) bool) int64 {
		i := sort.Search(len(p.entries), func(i int) bool { return after(p.entries[i]) })
		return p.begin() + int64(i)
	}
	switch s.by {
	case byOffset:
		if s.value > p.last.offset {
			return 0, beyondEnd("offset", s.value, p.last.offset)
		}
		return first(func(e entry) bool { return s.passed(e.offset) }), nil
	case bySequence:
		if s.value > p.last.sequence {
			return 0, beyondEnd("sequence number", s.value, p.last.sequence)
		}
		return first(func(e entry) bool { return s.passed(e.sequence) }), nil
	case byTime:
		// No binary search: a test may have made up enqueued times that do not rise.
		for _, e := range p.entries {
			if s.passed(int64(e.enqueued)) {
				return e.sequence, nil
			}
		}
	}
	return p.next, nil
}

func (p *partition) subscribe(c *conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.readers[c]++
}

func (p *partition) unsubscribe(c *conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.readers[c]--; p.readers[c] <= 0 {
		delete(p.readers, c)
	}
}

// Append puts an event with this body into the partition and returns its sequence number, -1 if there
// is no such partition. It keeps body, which must not be changed afterwards.
func (s *Server) Append(partition string, body []byte) int64 {
	return s.AppendMessage(partition, Message{Body: [][]byte{body}})
}

// AppendMessage puts m into the partition and returns its sequence number; -1 if there is no such
// partition, or m holds a value that AMQP has no type for. It keeps m's bodies.
func (s *Server) AppendMessage(partition string, m Message) int64 {
	p := s.partition(partition)
	if p == nil {
		s.cfg.Trace("append to partition %q, which does not exist", partition)
		return -1
	}
	seq, err := p.append(m.event())
	if err != nil {
		s.cfg.Trace("append to partition %q: %v", partition, err)
		return -1
	}
	return seq
}

// PartitionInfo is what $management tells of a partition.
type PartitionInfo struct {
	// Begin is the sequence number of the oldest event still there; where there is none, of the next.
	// Where there never was one, a geo-replicated hub says -1.
	Begin int64
	// LastSequence is the sequence number of the newest event ever, -1 if there never was one.
	LastSequence int64
	// LastOffset is its offset, "-1" (or "1:-1:-1") if there never was one.
	LastOffset string
	// LastEnqueued is when it was enqueued.
	LastEnqueued time.Time
	// Empty says that nothing is there to read.
	Empty bool
}

// Partition tells of one partition; of one that does not exist the zero value.
func (s *Server) Partition(partition string) PartitionInfo {
	p := s.partition(partition)
	if p == nil {
		return PartitionInfo{}
	}
	return p.info()
}
