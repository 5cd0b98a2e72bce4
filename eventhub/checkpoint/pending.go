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
}

// pendingCheckpoint is a position that may be written once the session has confirmed as much as it had accepted.
type pendingCheckpoint struct {
	accepted int64
	position eventhub.Position
}

// start begins a new session. It forgets what was pending in the old one: that is read again.
func (p *pending) start(session eventhub.Session) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.session, p.checkpoints = session, nil
}

// add notes that all hub events up to the position have their verdict.
func (p *pending) add(position eventhub.Position) {
	p.mu.Lock()
	defer p.mu.Unlock()
	next := pendingCheckpoint{accepted: p.session.Accepted(), position: position}
	// Of hub events with nothing to deliver only the last counts.
	if last := len(p.checkpoints) - 1; last >= 0 && p.checkpoints[last].accepted == next.accepted {
		p.checkpoints[last] = next
		return
	}
	p.checkpoints = append(p.checkpoints, next)
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
		passed++
	}
	if passed > 0 {
		advance(p.checkpoints[passed-1].position)
		p.checkpoints = p.checkpoints[passed:]
	}
}
