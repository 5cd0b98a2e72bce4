package checkpoint

import (
	"sync"

	"aks-audit-log-go/eventhub"
)

// pending holds back the positions that a partition has passed. They may be written as a checkpoint only when the sink
// has confirmed all that it had accepted by then, and all dead letters before them are stored.
type pending struct {
	mu      sync.Mutex
	session eventhub.Session
	// checkpoints are the positions passed and not written, in order: first the confirmed ones that wait for dead
	// letters, then those of this session that the sink has not confirmed.
	checkpoints []pendingCheckpoint
	// unconfirmed is how many audit events checkpoints cover. confirmed is how many more were confirmed and are not in
	// a written checkpoint.
	unconfirmed, confirmed int
	// many receives a value when the two together reach manyAudits. It has room for one.
	many chan struct{}
}

// confirmed is the value of pendingCheckpoint.accepted once the session has confirmed that much.
const confirmed = 0

// pendingCheckpoint is a position that may be written once the session has confirmed the number accepted. audits is
// how many audit events it adds to the position before.
type pendingCheckpoint struct {
	accepted int64
	position eventhub.Position
	audits   int
	// stored reports whether the dead letters that this position adds are stored. It is nil if there are none.
	stored func() bool
}

// lettersStored reports whether the position waits for no dead letter.
func (c *pendingCheckpoint) lettersStored() bool { return c.stored == nil || c.stored() }

// start begins a new session. It forgets what the old one had not confirmed, which is read again.
func (p *pending) start(session eventhub.Session) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.session, p.unconfirmed = session, 0
	for i, checkpoint := range p.checkpoints {
		if checkpoint.accepted != confirmed {
			p.checkpoints = p.checkpoints[:i]
			break
		}
		p.unconfirmed += checkpoint.audits
	}
}

// add notes that all hub events up to the position have their verdict, with audits more audit events than before.
// stored reports whether the dead letters of the last one are stored; it is nil if there are none.
func (p *pending) add(position eventhub.Position, audits int, stored func() bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.count(audits)
	p.checkpoints = appendMerged(p.checkpoints, pendingCheckpoint{
		accepted: p.session.Accepted(), position: position, audits: audits, stored: stored,
	})
}

// appendMerged appends a checkpoint, or lets it replace the last one if it waits for nothing more. So hub events with
// nothing to deliver take no memory, and neither do confirmed ones that wait for an earlier dead letter. A checkpoint
// with dead letters of its own replaces none, because the one before may be written earlier.
func appendMerged(checkpoints []pendingCheckpoint, next pendingCheckpoint) []pendingCheckpoint {
	last := len(checkpoints) - 1
	if last < 0 || checkpoints[last].accepted != next.accepted || !next.lettersStored() {
		return append(checkpoints, next)
	}
	next.audits += checkpoints[last].audits
	next.stored = checkpoints[last].stored
	checkpoints[last] = next
	return checkpoints
}

// count adds to the audit events that are not confirmed, and signals once there are many.
func (p *pending) count(audits int) {
	before := p.unconfirmed + p.confirmed
	p.unconfirmed += audits
	if before < manyAudits && before+audits >= manyAudits {
		select {
		case p.many <- struct{}{}:
		default: // the value from the last time is still there
		}
	}
}

// takeConfirmed calls advance with the last position that was confirmed since the last call and waits for no dead
// letter, if there is one. Of two concurrent calls, the later one passes the later position.
func (p *pending) takeConfirmed(advance func(eventhub.Position)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.checkpoints) == 0 {
		return
	}
	p.noteConfirmed(p.session.Confirmed())
	passed := 0
	for passed < len(p.checkpoints) && p.checkpoints[passed].accepted == confirmed && p.checkpoints[passed].lettersStored() {
		p.unconfirmed -= p.checkpoints[passed].audits
		p.confirmed += p.checkpoints[passed].audits
		passed++
	}
	if passed > 0 {
		advance(p.checkpoints[passed-1].position)
		p.checkpoints = p.checkpoints[passed:]
	}
}

// noteConfirmed marks the checkpoints that are confirmed with that many audit events. mu is held.
func (p *pending) noteConfirmed(audits int64) {
	marked := p.checkpoints[:0]
	for _, checkpoint := range p.checkpoints {
		if checkpoint.accepted <= audits {
			checkpoint.accepted = confirmed
		}
		marked = appendMerged(marked, checkpoint)
	}
	clear(p.checkpoints[len(marked):])
	p.checkpoints = marked
}

// lastConfirmed returns the last confirmed position that waits for dead letters, or nil.
func (p *pending) lastConfirmed() (last *eventhub.Position) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, checkpoint := range p.checkpoints {
		if checkpoint.accepted == confirmed {
			last = &checkpoint.position
		}
	}
	return last
}

// counts returns how many passed audit events are not confirmed, and how many are confirmed but in no checkpoint.
func (p *pending) counts() (unconfirmed, unwritten int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.unconfirmed, p.confirmed
}

// written notes that a checkpoint with that many of the unwritten audit events was written.
func (p *pending) written(audits int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.confirmed -= audits
}
