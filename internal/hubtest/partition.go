package hubtest

import (
	"sort"
	"sync"
	"time"

	"aks-audit-log-go/internal/hubtest/wire"
)

// entry is an encoded event of a partition. head and body together are the message.
type entry struct {
	sequence int64
	offset   int64
	enqueued wire.Timestamp
	head     []byte
	body     []byte
}

func (e entry) size() int { return len(e.head) + len(e.body) }

// partition is a log. Its entries never change, so readers take slices of it and read them without the lock.
type partition struct {
	id            string
	geoReplicated bool

	mu         sync.RWMutex
	entries    []entry
	next       int64 // sequence number of the next event
	nextOffset int64
	last       entry         // the newest event ever, without its content
	readers    map[*conn]int // the connections to wake for a new event, with how many links each has here
}

// noEntry stands for the newest event of a partition that never had an event.
var noEntry = entry{sequence: -1, offset: -1}

func newPartition(id string, geoReplicated bool) *partition {
	return &partition{id: id, geoReplicated: geoReplicated, readers: map[*conn]int{}, last: noEntry}
}

// append adds e, and returns its sequence number. Sequence numbers have no gaps. An offset is where the event would
// start in a file of all events, so that it differs from the sequence number.
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

// read returns up to n entries, starting at this sequence number, or at the oldest entry if that number has been
// removed.
func (p *partition) read(from int64, n int) []entry {
	p.mu.RLock()
	defer p.mu.RUnlock()
	i := max(0, from-p.begin())
	if i >= int64(len(p.entries)) {
		return nil
	}
	return p.entries[i:min(i+int64(n), int64(len(p.entries)))]
}

// begin returns the sequence number of the oldest entry. The lock is held.
func (p *partition) begin() int64 { return p.next - int64(len(p.entries)) }

// truncate removes all entries below this sequence number.
func (p *partition) truncate(before int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := min(max(0, before-p.begin()), int64(len(p.entries)))
	// Copying the rest frees the memory of the removed entries.
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
		// The service answers the same (azeventhubs v2.0.2, geodr_test.go).
		info.Begin, info.LastEnqueued = -1, time.Time{}
	}
	return info
}

// locate returns the sequence number at which a reader starts.
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
		// No binary search: a test may have set enqueued times that do not rise.
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

// Append adds an event with this body to the partition, and returns its sequence number, or -1 if there is no such
// partition. It keeps body, which must not change afterwards.
func (s *Server) Append(partition string, body []byte) int64 {
	return s.AppendMessage(partition, Message{Body: [][]byte{body}})
}

// AppendMessage adds m to the partition, and returns its sequence number. It returns -1 if there is no such partition,
// or if AMQP has no type for a value in m. It keeps the bodies of m.
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

// PartitionInfo is what $management answers about a partition.
type PartitionInfo struct {
	// Begin is the sequence number of the oldest event that is left. If there is none, it is the number of the next
	// event. If there never was one, it is -1 in a geo-replicated hub.
	Begin int64
	// LastSequence is the sequence number of the newest event ever, or -1 if there never was one.
	LastSequence int64
	// LastOffset is the offset of that event. If there never was one, it is "-1", or "1:-1:-1" in a geo-replicated
	// hub.
	LastOffset string
	// LastEnqueued is when that event was enqueued.
	LastEnqueued time.Time
	// Empty says that no event is left to read.
	Empty bool
}

// Partition returns what $management answers about a partition, or the zero value if there is no such partition.
func (s *Server) Partition(partition string) PartitionInfo {
	p := s.partition(partition)
	if p == nil {
		return PartitionInfo{}
	}
	return p.info()
}
