package e2e

import (
	"fmt"
	"sort"
	"strings"
	"sync"
)

// fate is what has to become of a record of a hub event.
type fate int

const (
	mustArrive fate = iota // delivered, byte for byte
	mustBeKept             // stored as a dead letter
	eitherWay              // delivered and marked as truncated, or stored as a dead letter, or both
	passedOver             // no audit event: neither
)

// noNumber is the number of a record that holds no audit event whose auditID can be read.
const noNumber = -1

// ledgerEntry is one record of a hub event, and what became of it.
type ledgerEntry struct {
	fate            fate
	number          int // the audit event's among those of its partition
	delivered, kept bool
}

func (e ledgerEntry) hasVerdict() bool {
	switch e.fate {
	case mustArrive:
		return e.delivered
	case mustBeKept:
		return e.kept
	case eitherWay:
		return e.delivered || e.kept
	default:
		return true
	}
}

// ledgerPage is one hub event that the checkpoint has not passed yet.
type ledgerPage struct {
	first, next int // the numbers of the audit events in it: from first up to, not including, next
	entries     []ledgerEntry
}

// account is the part of a ledger that is about one partition.
type account struct {
	next    int   // the number of the next audit event that is appended
	highest int   // of the audit events that have arrived, noNumber where none has
	passed  int64 // the hub event that the checkpoint has reached, -1 where there is none
	pages   []ledgerPage
}

// tally is a ledger in numbers, all of them of audit events or records.
type tally struct {
	appended, delivered, repeats, kept, lost int
}

// ledger knows of each record that was appended what became of it. It forgets what the checkpoint
// has passed, once it has seen that all of that has its verdict: so it takes no more memory in a day than in a
// minute.
type ledger struct {
	mu       sync.Mutex
	accounts map[string]*account
	tally    tally
	// old says that a repeat from before the checkpoint is wrong too.
	old    bool
	wrongs []string
}

func newLedger(partitions []string) *ledger {
	l := &ledger{accounts: map[string]*account{}}
	for _, partition := range partitions {
		l.accounts[partition] = &account{passed: -1, highest: noNumber}
	}
	return l
}

// complain notes that something happened which must not. The first few are told.
func (l *ledger) complain(format string, args ...any) {
	const enough = 20
	if len(l.wrongs) < enough {
		l.wrongs = append(l.wrongs, fmt.Sprintf(format, args...))
	}
}

// wrong is complain for others than the ledger.
func (l *ledger) wrong(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.complain(format, args...)
}

// complaints are all that went wrong so far.
func (l *ledger) complaints() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string{}, l.wrongs...)
}

// counts are the numbers so far.
func (l *ledger) counts() tally {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.tally
}

// append enters the next hub event of a partition and answers its sequence number. It has to be
// told before the hub is: what was appended can arrive at once.
func (l *ledger) append(partition string, entries []ledgerEntry) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.accounts[partition]
	p := ledgerPage{first: a.next, entries: entries}
	for _, e := range entries {
		if e.number != noNumber {
			a.next++
		}
		if e.fate != passedOver {
			l.tally.appended++
		}
	}
	p.next = a.next
	a.pages = append(a.pages, p)
	return a.passed + int64(len(a.pages))
}

// refuses says whether the sink has to refuse an audit event.
func (l *ledger) refuses(auditID string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	partition, number, err := readAuditID(auditID)
	a := l.accounts[partition]
	if err != nil || a == nil {
		return false
	}
	e := a.entry(number)
	return e != nil && e.fate == mustBeKept
}

// arrive enters an audit event that the sink was sent. It answers false for one that the sink
// has to refuse.
func (l *ledger) arrive(auditID, content string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	partition, number, err := readAuditID(auditID)
	a := l.accounts[partition]
	if err != nil || a == nil || number >= a.next {
		l.complain("the sink got audit event %q, which was not there: %.200s", auditID, content)
		return true
	}
	e := a.entry(number)
	switch {
	case e == nil:
		l.tally.repeats++
		if l.old {
			l.complain("partition %s: audit event %d came again though the checkpoint had passed it", partition, number)
		}
	case e.fate == mustBeKept:
		if content != auditEvent(partition, number) {
			l.complain("the sink got what no use can be made of: %.400s", content)
		}
		return false
	case e.delivered:
		l.tally.repeats++
	default:
		l.deliver(a, e, partition, content)
	}
	return true
}

// deliver enters the first arrival of an audit event.
func (l *ledger) deliver(a *account, e *ledgerEntry, partition, content string) {
	l.tally.delivered++
	e.delivered = true
	if e.number < a.highest {
		l.complain("partition %s: audit event %d came after %d", partition, e.number, a.highest)
	}
	a.highest = max(a.highest, e.number)
	whole := content == auditEvent(partition, e.number)
	marked := strings.Contains(content, `"audit.k8s.io/truncated":"true"`)
	if e.fate == mustArrive && !whole || e.fate == eitherWay && !marked {
		l.complain("partition %s: audit event %d is not what was appended: %.400s", partition, e.number, content)
	}
}

// keep enters a dead letter.
func (l *ledger) keep(partition string, sequence int64, record int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.accounts[partition]
	if a == nil || sequence-a.passed-1 >= int64(len(a.pages)) {
		l.complain("there is a dead letter of partition %s, sequence number %d, where nothing was appended", partition, sequence)
		return
	}
	if sequence <= a.passed {
		return // a repeat
	}
	entries := a.pages[sequence-a.passed-1].entries
	if record >= len(entries) || entries[record].fate == mustArrive || entries[record].fate == passedOver {
		l.complain("there is a dead letter of partition %s, sequence number %d, record %d, which is sound", partition, sequence, record)
		return
	}
	if !entries[record].kept {
		entries[record].kept = true
		l.tally.kept++
	}
}

// pass enters that the checkpoint of a partition stands at a hub event, and checks that all up to
// there has its verdict. It answers whether the checkpoint has moved.
func (l *ledger) pass(partition string, sequence int64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.accounts[partition]
	if sequence < a.passed {
		l.complain("partition %s: the checkpoint went back from %d to %d", partition, a.passed, sequence)
		return false
	}
	moved := sequence > a.passed
	for ; a.passed < sequence && len(a.pages) > 0; a.passed++ {
		for record, e := range a.pages[0].entries {
			if !e.hasVerdict() {
				l.tally.lost++
				l.complain("partition %s: the checkpoint %d passed sequence number %d, record %d (audit event %d), which has no verdict",
					partition, sequence, a.passed+1, record, e.number)
			}
		}
		a.pages = a.pages[1:]
	}
	if a.passed < sequence {
		l.complain("partition %s: the checkpoint %d is beyond the last hub event %d", partition, sequence, a.passed)
	}
	return moved
}

// open is how many hub events the checkpoints have not passed yet.
func (l *ledger) open() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, a := range l.accounts {
		n += len(a.pages)
	}
	return n
}

// behind is about how many records have no verdict yet. Unlike waiting it is quick.
func (l *ledger) behind() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.tally.appended - l.tally.delivered - l.tally.kept
}

// waiting is how many records have no verdict yet, whatever the checkpoints say.
func (l *ledger) waiting() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, a := range l.accounts {
		for _, p := range a.pages {
			for _, e := range p.entries {
				if !e.hasVerdict() {
					n++
				}
			}
		}
	}
	return n
}

// entry finds an audit event among those that the checkpoint has not passed, nil otherwise.
func (a *account) entry(number int) *ledgerEntry {
	i := sort.Search(len(a.pages), func(i int) bool { return a.pages[i].next > number })
	if i == len(a.pages) || a.pages[i].first > number {
		return nil
	}
	for record := range a.pages[i].entries {
		if a.pages[i].entries[record].number == number {
			return &a.pages[i].entries[record]
		}
	}
	return nil
}

// readAuditID is the reverse of auditID.
func readAuditID(id string) (partition string, number int, err error) {
	if len(id) != len(auditID("0", 0)) {
		return "", 0, fmt.Errorf("audit id %q is none of ours", id)
	}
	partition = strings.TrimLeft(id[:7], "0") + id[7:8]
	_, err = fmt.Sscanf(id[len(id)-12:], "%d", &number)
	return partition, number, err
}
