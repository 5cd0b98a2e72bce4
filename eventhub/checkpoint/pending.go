package checkpoint

import (
	"sync"

	"aks-audit-log-go/eventhub"
)

// pending holds back the positions that a partition has passed until the sink has confirmed all that it had accepted by
// then. Only then may they be written as a checkpoint.
type pending struct {
	mu      sync.Mutex
	session eventhub.Session
	// checkpoints are the positions passed during this session and not confirmed, in order.
	checkpoints []pendingCheckpoint
	// unconfirmed is how many audit events checkpoints cover. confirmed is how many more were confirmed and are not in
	// a checkpoint that was written.
	unconfirmed, confirmed int
	// many receives a value when the two together reach manyAudits. It has room for one.
	many chan struct{}
}

// pendingCheckpoint is a position that may be written once the session has confirmed as much as it had accepted. audits
// is how many audit events it adds to the position before.
type pendingCheckpoint struct {
	accepted int64
	position eventhub.Position
	audits   int
}

// start begins a new session. It forgets what was pending in the old one: that is read again.
func (p *pending) start(session eventhub.Session) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.session, p.checkpoints, p.unconfirmed = session, nil, 0
}

// add notes that all hub events up to the position have their verdict, with so many audit events more than before.
func (p *pending) add(position eventhub.Position, audits int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.count(audits)
	next := pendingCheckpoint{accepted: p.session.Accepted(), position: position, audits: audits}
	// Of hub events with nothing to deliver only the last position counts.
	if last := len(p.checkpoints) - 1; last >= 0 && p.checkpoints[last].accepted == next.accepted {
		next.audits += p.checkpoints[last].audits
		p.checkpoints[last] = next
		return
	}
	p.checkpoints = append(p.checkpoints, next)
}

// count adds to the audit events that are not confirmed, and says so once there are many.
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

// takeConfirmed calls advance with the last position that was confirmed since the last call, if there is one. Of two
// concurrent calls the later one passes the later position.
func (p *pending) takeConfirmed(advance func(eventhub.Position)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.checkpoints) == 0 {
		return
	}
	confirmed, passed := p.session.Confirmed(), 0
	for passed < len(p.checkpoints) && p.checkpoints[passed].accepted <= confirmed {
		p.unconfirmed -= p.checkpoints[passed].audits
		p.confirmed += p.checkpoints[passed].audits
		passed++
	}
	if passed > 0 {
		advance(p.checkpoints[passed-1].position)
		p.checkpoints = p.checkpoints[passed:]
	}
}

// counts returns how many audit events have passed that are not confirmed, and how many are confirmed but in no checkpoint.
func (p *pending) counts() (unconfirmed, unwritten int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.unconfirmed, p.confirmed
}

// written notes that a checkpoint with so many of the unwritten audit events was written.
func (p *pending) written(audits int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.confirmed -= audits
}
