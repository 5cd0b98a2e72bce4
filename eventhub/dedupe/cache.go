package dedupe

import (
	"hash/maphash"
	"strings"
	"sync"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/eventhub/unpack"
)

// copies knows the audit events that the sink took last from this process, over all partitions. With
// both kube-audit and kube-audit-admin in a hub many events come twice, and Falco, which does not
// notice, alerts twice. Of a copy only one is sent.
//
// An event may be passed over only for one that the sink has: the other may yet be lost with the
// sink, be dead-lettered, or be dropped. What is remembered is therefore what was delivered, and that
// only as long as it is settled or its lane lives. What is not settled when its lane ends is
// forgotten: it stands behind the checkpoint of its own partition, so that it is read again by
// whoever owns that, and then it has to be sent. See docs/design.md.
//
// A copy is the same byte for byte, and has an auditID. To compare the auditID and the stage alone
// would let anybody hide a request: the API server takes the Audit-ID that a client sends it
// (audit_init.go of k8s.io/apiserver), so that a second request can have that of a first one.
//
// It is safe for concurrent use. A nil one remembers nothing.
type Cache struct {
	// seeds make fingerprints that nobody can know beforehand.
	seeds [2]maphash.Seed
	// size is how many events are remembered.
	size int32

	mu sync.Mutex
	// ring are the events, and next which of them is forgotten next; places says where they are.
	ring   []memory
	next   int32
	places map[Fingerprint]int32
	// category is that of the record that came last, count how many events were remembered, and
	// changed how many when a record last came of another category than the one before it.
	category       string
	count, changed int64
	// both is whether there was such a record among the last size events, and so copies can be.
	both bool
	// asleep is set when there was none for so long: then nothing is remembered until there is.
	asleep bool
}

// fingerprint stands for the bytes of an audit event: that two have the same by chance is as likely
// as that two auditIDs are the same.
type Fingerprint [2]uint64

// memory is an event that was delivered.
type memory struct {
	print Fingerprint
	lane  *Lease
	// ticket is that of its acceptance on the lane.
	ticket int64
}

// lease is what is known of the lane of a memory. The lock of copies guards it.
type Lease struct {
	// over is set when the lane has ended, and settled how far it had come.
	over    bool
	settled int64
}

func New(size, categories int) *Cache {
	if size == 0 || categories < 2 {
		return nil
	}
	// #nosec G115 -- Load bounds the size
	return &Cache{seeds: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}, size: int32(size), places: map[Fingerprint]int32{}}
}

// twins returns what tells copies of the audit events among records, nil where none are to be
// expected.
func (c *Cache) Twins(records []unpack.Record) []Twin {
	if c == nil || !c.expected(records) {
		return nil
	}
	twins := make([]Twin, len(records))
	for i := range records {
		if r := &records[i]; r.Verdict == "" && r.AuditID != "" {
			twins[i].Print = c.printOf(r)
		}
	}
	return twins
}

// printOf is that of what stood in the hub, where only a part of it goes to the sink.
func (c *Cache) printOf(r *unpack.Record) Fingerprint {
	whole := r.Content
	if r.Original != nil {
		whole = r.Original
	}
	return Fingerprint{maphash.Bytes(c.seeds[0], whole), maphash.Bytes(c.seeds[1], whole)}
}

// expected notes the categories of the records and says whether copies may come.
func (c *Cache) expected(records []unpack.Record) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range records {
		r := &records[i]
		if r.Verdict != "" || r.Category == "" || r.Category == c.category {
			continue
		}
		if c.category != "" && !strings.EqualFold(r.Category, c.category) {
			c.changed, c.both, c.asleep = c.count, true, false
		}
		c.category = r.Category
	}
	return !c.asleep
}

// come reports whether copies come: with one category there are none, and what is the same twice is
// sent twice.
func (c *Cache) Come() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.both
}

// known reports whether the sink has an event that is the same.
func (c *Cache) Known(print Fingerprint) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	place, found := c.places[print]
	if !found || !c.both {
		return false
	}
	last := c.ring[place]
	return !last.lane.over || last.ticket <= last.lane.settled
}

// remember notes that the sink has an event.
func (c *Cache) Remember(print Fingerprint, lane *Lease, ticket int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.count++; c.count-c.changed > int64(c.size) {
		c.sleep()
	}
	if c.asleep {
		return
	}
	if c.next == int32(len(c.ring)) { // #nosec G115 -- Load bounds it
		c.ring = append(c.ring, memory{})
	} else if forgotten := c.ring[c.next].print; c.places[forgotten] == c.next {
		delete(c.places, forgotten)
	}
	c.ring[c.next] = memory{print: print, lane: lane, ticket: ticket}
	c.places[print] = c.next
	c.next = (c.next + 1) % c.size
}

// sleep gives the memory back.
func (c *Cache) sleep() {
	c.asleep, c.both = true, false
	c.ring, c.next, c.places = nil, 0, map[Fingerprint]int32{}
}

// end forgets what is not settled on a lane. Nothing may be sent again before that.
func (c *Cache) End(lease *Lease, lane eventhub.Session) {
	if c == nil {
		return
	}
	settled := lane.Confirmed()
	c.mu.Lock()
	defer c.mu.Unlock()
	lease.over, lease.settled = true, settled
}

// twin is what is known of an audit event of which there may be copies.
type Twin struct {
	// print is zero where there can be none.
	Print Fingerprint
	// first is an event that is the same and on its way to the sink before it, nil where there is
	// none. It waits for what becomes of that.
	First *Twin
	// delivered is whether the sink took it.
	Delivered bool
}
